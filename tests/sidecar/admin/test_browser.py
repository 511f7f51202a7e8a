"""The status page in a real browser: every situation, light and dark, on a phone, without scripts, and for those who cannot see it."""

from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from browser import chromium, opened, overflow_px, violations
from situations import SITUATIONS

from sidecar.admin import page
from sidecar.supervisor import plain_page

DOWN = "monitor down"
NAMES = [*SITUATIONS, DOWN]


@asynccontextmanager
async def served():
    """The page in each situation, at ``/<situation>``."""

    async def answer(request):
        name = request.match_info["name"]
        if name == DOWN:
            return plain_page.answer(503, "Behaviour is not being watched", ["Traffic is not affected."])
        return web.Response(text=page.render(SITUATIONS[name]()), content_type="text/html", headers=page.HEADERS)

    app = web.Application()
    app.router.add_get("/{name}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_no_situation_has_an_accessibility_violation_or_is_wider_than_a_phone():
    """Every details element open, so that all of it is looked at; the darkest two are asked again in the dark, on a phone."""
    found, wide, fetched = {}, {}, set()
    async with served() as url, chromium() as browser:
        for name in NAMES:
            for width, scheme in ((1200, "light"), (390, "dark")):
                async with opened(browser, f"{url}/{name}", width=width, scheme=scheme) as shown:
                    await shown.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
                    asked = scheme == "light" or name in ("in alarm", DOWN)
                    if asked and (bad := await violations(shown)):
                        found[name, width, scheme] = bad
                    if (px := await overflow_px(shown)) > 0:
                        wide[name, width] = px
                    fetched |= {address for address in shown.asked if not address.startswith(url)}
    assert found == {}
    assert wide == {}
    assert fetched == set()


async def test_names_from_traffic_run_nothing_in_a_browser_that_would():
    async with served() as url, chromium() as browser, opened(browser, f"{url}/hostile") as shown:
        assert "owned" not in await shown.title()
        assert await shown.locator("img, script").count() == 0
        assert "<script>document.title='owned'</script>" in await shown.locator("h3").first.inner_text()
        assert len(shown.asked) == 1


@pytest.mark.parametrize("name", ["in control", "in alarm"])
async def test_without_scripts_everything_is_there_and_opens(name):
    async with served() as url, chromium() as browser, opened(browser, f"{url}/{name}", scripts=False) as shown:
        assert await shown.locator("h1").inner_text() == (
            "In control" if name == "in control" else "2 of 15 strata out of control"
        )
        group = shown.locator("summary", has_text="adversarial")
        await group.click()
        assert await shown.locator("th", has_text="policy_proxy").first.is_visible()
        await shown.keyboard.press("Tab")
        await shown.keyboard.press("Enter")


async def test_a_keyboard_reaches_the_form_of_an_alarm_and_colours_follow_the_scheme():
    async with served() as url, chromium() as browser:
        backgrounds = set()
        for scheme in ("light", "dark"):
            async with opened(browser, f"{url}/in alarm", scheme=scheme) as shown:
                backgrounds.add(await shown.evaluate("getComputedStyle(document.body).backgroundColor"))
                await shown.locator("#alarm-a1b2c3d4e5f6 summary").first.focus()
                for _ in range(3):
                    await shown.keyboard.press("Tab")
                assert await shown.evaluate("document.activeElement.name") == "token"
    assert len(backgrounds) == 2
