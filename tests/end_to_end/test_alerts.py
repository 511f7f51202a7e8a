"""Drift of each family, through a running Kilter, a real Prometheus and a real Alertmanager, to whoever is told.

One story: a quiet time, then each family drifts for a while and ends again. What came to the webhook must be that family's
alerts with their numbers, and nothing else; every panel of every dashboard must have had something to show. Ticks of a second,
a floor of 10 points, a budget period of half an hour; rules and configurations are the shipped ones with durations by
``DURATIONS``: scraped every second, evaluated every two.

    pytest -m "slow or not slow" tests/end_to_end/test_alerts.py -s

The quick slice has two families and a quiet time of 12 s, the whole all four and 60 s. Seeds: the house 21, its clients 22.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
from families import FAMILIES, USUAL, Clients, baseline
from monitoring import MonitoringStack
from real import program
from running import RunningKilter

from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.store.baseline_file import dumped

ROOT = Path(__file__).parents[2]
DASHBOARDS = sorted((ROOT / "grafana/dashboards").glob("*.json"))
TICK_S = 1.0
PER_S = 60
EVALUATION_S = 2.0
DURATIONS = {
    "0s": "0s",
    "10s": "1s",
    "15s": "1s",
    "30s": "2s",
    "1m": "2s",
    "2m": "8s",  # longer than a starting Prometheus takes to its first scrape: up to 5 s
    "5m": "4s",
    "10m": "8s",
    "15m": "6s",
    "30m": "8s",
    "1h": "20s",
    "12h": "12h",
    "1d": "120s",
    "7d": "7d",
}
ENV = {
    "KILTER_TICKS__LENGTH_S": f"{TICK_S:g}",
    "KILTER_TICKS__GRACE_S": "5",
    "KILTER_VERDICTS__FLOOR": "0.1",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.02",
    "KILTER_IDENTITY__CONVERSATION_HEADER": "x-conversation",
    "KILTER_CANARY__ENABLED": "true",
    "KILTER_CANARY__TOKENS_A_DAY": "100000000",
    "KILTER_CANARY__TOKENS_A_MINUTE": "100000000",
    "KILTER_CANARY__INTERVAL_S": "0.1",
    "KILTER_CANARY__MAX_INFLIGHT": "1000",
}
BASE = {
    ("HollowRefusalRise", "1"): 0.2,
    ("ToolTransitionDrift", "start>search"): 0.8,
    ("ToolTransitionDrift", "start>new"): 0.0,
    ("PersistenceYield", "2"): 0.1,
    ("BehaviourDrift", "tr"): 0.2016,
}
"""Rates of the baseline, as ``families.baseline`` has them."""


@dataclass
class Told:
    """What came of one family: alerts as (alert, behaviour, stratum), and seconds from the tick's closing to the alert."""

    alerts: dict = field(default_factory=dict)
    delays: dict = field(default_factory=dict)


@dataclass
class Story:
    """What was seen."""

    quiet: list = field(default_factory=list)
    told: dict = field(default_factory=dict)
    silent_panels: list = field(default_factory=list)
    panels: int = 0
    marks: set = field(default_factory=set)


def key(alert):
    labels = alert["labels"]
    return labels["alertname"], labels.get("behaviour", ""), labels.get("stratum", "")


def heard(stack, since=0):
    """What came, but for canaries: the scripted model knows none of their answers, and their alerts say so."""
    return [alert for alert in stack.webhook.alerts[since:] if alert["labels"].get("component") != "canary"]


def firing(stack, since=0):
    return {key(alert): alert for alert in heard(stack, since) if alert["status"] == "firing"}


def seconds(stamp):
    """Unix seconds of a time in RFC 3339, of which Prometheus writes more digits than Python reads."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", stamp.replace("Z", "+00:00"))).timestamp()


async def play(directory, families, quiet_s, family_s):
    story = Story()
    (directory / "baseline.json").write_text(dumped(baseline(TICK_S)))
    (directory / "key").write_text("")
    files = {"KILTER_BASELINE__FILE": "baseline.json", "KILTER_CANARY__KEY_FILE": "key"}
    env = ENV | {name: str(directory / file) for name, file in files.items()}
    async with ScriptedUpstream(Script(seed=21)) as upstream:
        upstream.begin_phase(USUAL)
        with RunningKilter(upstream.url, directory / "kilter", env=env) as kilter:
            programs = program("prometheus"), program("prometheus-alertmanager")
            admin = kilter.admin.removeprefix("http://")
            async with MonitoringStack(directory, *programs, admin, DURATIONS) as stack:
                began = time.time()
                async with Clients(kilter.url, 22, PER_S):
                    await asyncio.sleep(quiet_s)
                    story.quiet = heard(stack)
                    for family in families:
                        story.told[family.name] = await drifted(family, upstream, kilter, stack, family_s)
                    upstream.begin_phase(USUAL | {"fingerprint": "fp_2"})
                    await paused(kilter)
                    await asyncio.sleep(3)
                await look(story, stack, began)
    return story


async def drifted(family, upstream, kilter, stack, family_s):
    """Begins the phase, waits for the family's alerts, and goes back to what is usual."""
    before, told, deadline = len(stack.webhook.alerts), Told(), time.monotonic() + family_s
    upstream.begin_phase(family.phase)
    held = {}
    while not family.alerts <= firing(stack, before).keys() and time.monotonic() < deadline:
        metrics = await asyncio.to_thread(kilter.metrics) if gaps_of(family) - held.keys() else None
        held |= {alert: time.time() for alert in gaps_of(family) - held.keys() if gap_exceeded(metrics, alert)}
        await asyncio.sleep(0.2)
    await asyncio.sleep(EVALUATION_S)  # what comes with it, but should not, comes now
    upstream.begin_phase(USUAL)
    told.alerts = firing(stack, before)
    alarms = [line for line in kilter.lines() if line["message"] == "out of control"]
    for (name, behaviour, stratum), alert in told.alerts.items():
        shown = f"{behaviour.replace('_', ' ')}, {stratum.replace('overall', 'all strata')}"
        closed = [seconds(line["time"]) for line in alarms if line["verdict"].startswith(shown)]
        if closed and (name, behaviour, stratum) in family.alerts:
            told.delays[name, behaviour, stratum] = seconds(alert["startsAt"]) - closed[-1]
        if (name, behaviour, stratum) in held:
            told.delays[name, behaviour, stratum] = seconds(alert["startsAt"]) - held[name, behaviour, stratum]
    return told


def gaps_of(family):
    """Its alerts of a gap's state: no log line says when that was judged, so the metrics are asked."""
    return {alert for alert in family.alerts if alert[0] == "LanguageRefusalGap"}


def gap_exceeded(metrics, alert):
    _, behaviour, stratum = alert
    return metrics.total("kilter_gap_state", behaviour=behaviour, stratum=stratum, state="exceeded") >= 1


async def paused(kilter):
    for command in ("pause", "resume"):
        argv = [sys.executable, "-m", "sidecar", command, "--admin", kilter.admin.removeprefix("http://")]
        done = await asyncio.to_thread(subprocess.run, argv, env=kilter.env, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stdout + done.stderr
        await asyncio.sleep(2.5)


async def look(story, stack, began):
    """At every panel of every dashboard, over the whole run."""

    async def has_numbers(expression):
        text = re.sub(r'"\$(job|instance|model|behaviour|suite|language)"', '".+"', expression)
        rows = await stack.history(text.replace("$__rate_interval", "4s"), began, time.time())
        return any(not math.isnan(value) for _, values in rows for _, value in values)

    for path in DASHBOARDS:
        dashboard = json.loads(path.read_text(encoding="utf-8"))
        for panel in dashboard["panels"]:
            if panel["type"] != "row":
                story.panels += 1
                answers = [await has_numbers(target["expr"]) for target in panel["targets"]]
                if not any(answers):
                    story.silent_panels.append((path.stem, panel["title"]))
        story.marks |= {mark["name"] for mark in dashboard["annotations"]["list"] if await has_numbers(mark["expr"])}


@pytest.fixture(
    scope="module",
    params=[
        pytest.param((FAMILIES[:2], 12, 20), id="slice"),
        pytest.param((FAMILIES, 60, 60), id="whole", marks=pytest.mark.slow),
    ],
)
def run(request, tmp_path_factory):
    families, quiet_s, family_s = request.param
    story = asyncio.run(play(tmp_path_factory.mktemp("alerts"), families, quiet_s, family_s))
    return families, story


pytestmark = pytest.mark.timeout(420)  # the story takes 50 s, or four minutes, which the first test pays for


def test_a_quiet_time_tells_nobody_anything(run, shown):
    _, story = run
    shown("alerts while quiet", len(story.quiet), 0)
    assert [alert["annotations"]["description"] for alert in story.quiet] == []


def test_each_family_brings_its_own_alerts_and_no_others(run, shown):
    families, story = run
    ours = {alert for family in families for alert in family.alerts | family.allowed}
    for family in families:
        told = story.told[family.name].alerts.keys()
        shown(family.name, sorted(told), sorted(family.alerts))
        assert family.alerts <= told, family.name
        # Of another family only what was told before and is told again, as long as it holds.
        assert told <= ours, family.name


def test_an_alert_comes_within_two_evaluations_of_the_tick_that_raised_it(run, shown):
    families, story = run
    delays = {alert: delay for told in story.told.values() for alert, delay in told.delays.items()}
    timed = {alert for family in families for alert in family.alerts if alert[0] != "LanguageGapWidening"}
    assert timed <= delays.keys()
    for alert, delay in delays.items():
        shown(" ".join(alert), f"{delay:.1f} s", f"<= {2 * EVALUATION_S:g} s")
        early = 1.0 if alert[1] == "language_gap" else 0.1  # a gap's state is looked for a few times a second
        assert -early <= delay <= 2 * EVALUATION_S, alert


def test_every_number_of_a_text_is_filled_in_and_right(run, shown):
    families, story = run
    for family in families:
        for name, behaviour, stratum in family.alerts:
            text = story.told[family.name].alerts[name, behaviour, stratum]["annotations"]["description"]
            shown(name, text, "numbers")
            assert "<no value>" not in text
            if behaviour == "language_gap":
                found = re.search(r"(-?[\d.]+)%.*interval.* (-?[\d.]+)% to (-?[\d.]+)%", text)
                assert found, text
                continue
            found = re.search(
                r"(-?[\d.]+)% away from its baseline of ([\d.]+)% "
                r"\(95% interval of the difference: (-?[\d.]+)% to (-?[\d.]+)%\)\. .* is at most 0\.7%\.$",
                text.replace("rose by ", "").replace("% from its", "% away from its"),
            )
            assert found, text
            difference, base, low, high = map(float, found.groups())
            assert base == pytest.approx(100 * BASE[name, stratum], abs=0.1)
            assert low < difference < high
            floor = 9 if base >= 4 else 0.4  # points; what is rare has a floor of its own
            assert low > floor or high < -floor


def test_every_panel_of_every_dashboard_has_something_to_show(run, shown):
    _, story = run
    shown("panels without data", f"{len(story.silent_panels)} of {story.panels}", 0)
    assert story.panels > 60
    assert story.silent_panels == []


def test_alarms_and_pauses_are_marked(run, shown):
    _, story = run
    shown("marks", sorted(story.marks), "alarms, pauses")
    assert {"Alarms", "Pauses"} <= story.marks
