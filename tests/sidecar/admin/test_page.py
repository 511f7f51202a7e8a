"""The status page: true, escaped, whole without JavaScript."""

import re
import subprocess
from html.parser import HTMLParser

from load import ask, chat
from real import program
from running import RunningKilter

from detectors.catalog import behaviours
from detectors.records.verdict import Alarm, Verdict
from sidecar.admin import page
from sidecar.admin.status import Copies, Status, Traffic, behaviours_status
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.store.base import Acknowledgement

HOSTILE = '<script>alert("x")</script>'


def status(labels, totals, **more):
    facts = {
        "version": "0", "at_s": 0.0, "upstream": "http://u", "observing": True, "window_s": 3600.0,
        "traffic": Traffic(1, 0, 0, 0, 0), "copies": Copies(1, 0, 1.0, 0, 1, 0, 0, 0.0),
    }  # fmt: skip
    return Status(**{**facts, **more}, labels=labels, behaviours=behaviours_status(behaviours(), totals))


class Elements(HTMLParser):
    """Balance of tags, and every address that a browser would fetch."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.scripts = [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.scripts += tag == "script"
        self.addresses += [value for name, value in attrs if name in {"src", "href", "action"}]
        if tag not in {"meta", "rect", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_what_comes_from_traffic_is_escaped_and_nothing_is_fetched_from_elsewhere():
    totals = {("refusal_by_language", HOSTILE, HOSTILE): (1.0, 9)}
    seen = Elements(page.render(status({HOSTILE: {"refusal": 1}}, totals, upstream=HOSTILE)))
    assert seen.open == []
    assert seen.scripts == 0
    assert all(address.startswith("/") for address in seen.addresses)


def test_a_rate_stands_with_its_exact_interval():
    text = page.render(status({}, {("refusal_by_length", "4-7", "m"): (25.0, 500)}))
    assert "5.0 %, between 3.3 % and 7.3 %" in text


def test_a_pause_is_said_at_the_top():
    assert "Paused: traffic passes, nothing is looked at" in page.render(status({}, {}, observing=False))
    assert "Paused" not in page.render(status({}, {}))


def test_an_alarm_says_who_has_acknowledged_it_and_what_is_done_meanwhile():
    verdict = Verdict("refusal_by_length", "1", "m", "out_of_control", 9.0, "refusals moved")
    alarms = (Alarm("a1", verdict, ()), Alarm("a2", verdict, ()))
    seen = {"a1": Acknowledgement("a1", 60.0, HOSTILE, "routed to the old model")}
    one = status({}, {}, alarms=alarms, acknowledged=seen)
    text = page.render(one)
    assert "by &lt;script&gt;" in text
    assert "routed to the old model" in text
    assert (text.count("Acknowledged."), text.count("Not acknowledged; its id is <code>a2</code>")) == (1, 1)
    first, second = one.to_dict()["alarms"]
    assert first["acknowledged"] == {"at_s": 60.0, "by": HOSTILE, "control": "routed to the old model"}
    assert second["acknowledged"] is None


async def test_a_browser_forbidden_to_run_scripts_shows_what_was_counted(tmp_path):
    chromium = program("chromium")
    script = Script(phases=(Phase(policy=Policy(refusal=1.0)),))
    async with ScriptedUpstream(script) as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            for _ in range(3):
                assert (await ask(kilter.url, *chat())).status == 200
            kilter.until(lambda seen: seen.total("kilter_responses_total") == 3)
            picture = tmp_path / "page.png"
            flags = [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                "--disable-background-networking", "--disable-component-update", "--window-size=1100,1400",
                 f"--user-data-dir={tmp_path}/profile",
            ]  # fmt: skip
            shoot = subprocess.run(
                [chromium, *flags, f"--screenshot={picture}", kilter.admin + "/"],
                capture_output=True,
                timeout=60,
                check=False,
            )
            shown = subprocess.run(
                [chromium, *flags, "--dump-dom", kilter.admin + "/"],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
    assert page.HEADERS["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert shoot.returncode == 0
    assert picture.stat().st_size > 20_000
    row = re.search(r'<th scope="row">scripted</th>(.*?)</tr>', shown.stdout, flags=re.DOTALL)
    assert re.findall(r">(\d+)<", row[1])[0] == "3"
