"""A real headless Chromium, driven by Playwright: Debian's build, since Playwright's own cannot be had everywhere."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from importlib import resources

from real import missing, program

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync", "--disable-background-networking",
    "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@asynccontextmanager
async def chromium():
    """A browser; ``browser.new_page(...)`` takes width, colour scheme and whether scripts may run."""
    try:
        from playwright.async_api import async_playwright  # noqa: PLC0415  # what needs no browser must not need it
    except ImportError:
        missing("playwright is not installed")
    path = program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def opened(browser, url, *, width=1200, scheme="light", scripts=True):
    """The page at ``url``; ``page.asked`` lists every address that it made the browser ask for."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    try:
        page = await context.new_page()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        await page.goto(url)
        yield page
    finally:
        await context.close()


async def violations(page):
    """What axe-core finds, as (rule, elements). Its script is evaluated by the debugger: the page itself forbids scripts."""
    try:
        axe = next(path for path in resources.files("axe_playwright_python").rglob("axe.min.js"))
    except ModuleNotFoundError:
        missing("axe-playwright-python is not installed")
    await page.evaluate(axe.read_text(encoding="utf-8"))
    found = await page.evaluate(f"axe.run(document, {json.dumps(RULES)})")
    return [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]


async def overflow_px(page):
    """By how much the page is wider than the window."""
    return await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
