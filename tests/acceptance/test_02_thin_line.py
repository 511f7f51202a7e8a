"""Kilter, a model server that changes, the real Prometheus and the real Alertmanager, from end to end.

One story is played once; each test then asks for one promise of it. Rules, configurations and
dashboard are the shipped ones with shortened durations (tests/support/monitoring.py):

1. The model refuses one request in ten. Nothing must be told.
2. In conversations of two or three turns it refuses six in ten. The ticket must come.
3. It is as before. The ticket must be closed.
4. Requests too large for the ring, then a stopped monitor and a dead model server, then a dead
   Kilter: each must be told by its own alert.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import re
import signal
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from load import ask, chat
from monitoring import MonitoringStack
from real import program
from running import RunningKilter

from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream

pytestmark = pytest.mark.timeout(240)  # the story takes 75 s, which the first test pays for

ROOT = Path(__file__).parents[2]
USUAL = {"refusal": 0.1}
RISEN = {"policy": USUAL, "rules": [{"policy": {"refusal": 0.6}, "turns": [2, 3]}]}
PER_SECOND = 50
STEADY_S = 37.0
"""The reference window ends 20 s ago: it then holds some 400 answers a stratum."""
DOCS = ("README.md", "deploy/README.md", "grafana/README.md")


@dataclass
class Story:
    """What was seen."""

    while_steady: list = field(default_factory=list)
    risen: dict = field(default_factory=dict)
    true_rate: float = 0.0
    resolved: dict = field(default_factory=dict)
    strata_told: set = field(default_factory=set)
    empty_expressions: list = field(default_factory=list)
    exposed: set = field(default_factory=set)
    troubles: dict = field(default_factory=dict)


def request(number):
    """Every second conversation is in its third turn; every one has its own first message."""
    turns = [
        {"role": "user", "content": f"How do I clean a bicycle chain? (#{number})"},
        {"role": "assistant", "content": "Shift to the smallest ring, then brush a degreaser into the links."},
        {"role": "user", "content": "What do I need for it?"},
        {"role": "assistant", "content": "A rag, a brush and a little oil."},
        {"role": "user", "content": "And how long does that take in all?"},
    ]
    return chat(messages=turns if number % 2 else turns[:1])


class Clients:
    """Steady traffic, from ``async with`` to its end."""

    def __init__(self, url, upstream):
        self._url, self._upstream = url, upstream
        self._numbers = count()
        self._asked = set()

    async def __aenter__(self):
        self._task = asyncio.get_running_loop().create_task(self._run())
        return self

    async def __aexit__(self, *_):
        self._task.cancel()
        await asyncio.gather(self._task, *self._asked, return_exceptions=True)

    async def _run(self):
        loop = asyncio.get_running_loop()
        started = loop.time()
        for number in self._numbers:
            await asyncio.sleep(started + number / PER_SECOND - loop.time())
            one = loop.create_task(ask(self._url, *request(number), limit_s=5))
            self._asked.add(one)
            one.add_done_callback(self._asked.discard)


NEEDS_MORE = (
    r"kilter_(rate_reference|difference_ratio|detectable_difference|evidence|gap_|alarm_acknowledged|effective_users)"
    r"|kilter_(drift_cause|judged_until)"
    r'|behaviour="(persistence_yield|tool_transition)"'
)
"""Nobody promotes a baseline in this story, insists, or uses tools: tests/end_to_end/test_alerts.py has such a run, and looks at every panel of every dashboard."""


def dashboard_expressions():
    dashboard = json.loads((ROOT / "grafana/dashboards/behaviour.json").read_text(encoding="utf-8"))
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
    expressions += [a["expr"] for a in dashboard["annotations"]["list"] if "RefusalRateChanged" in a["expr"]]
    expressions = [text for text in expressions if not re.search(NEEDS_MORE, text)]
    filled = [re.sub(r'"\$(job|instance|model|behaviour)"', '".+"', text) for text in expressions]
    return [text.replace("$__rate_interval", "4s") for text in filled]


def recorded_expressions():
    """The series that recording rules make."""
    return re.findall(r"record: (\S+)", (ROOT / "deploy/prometheus/rules/recording.yaml").read_text(encoding="utf-8"))


def named_metrics():
    """Every metric of ours that a document, a rule or a dashboard names, and where."""
    files = [ROOT / name for name in DOCS]
    files += [*(ROOT / "deploy/prometheus/rules").glob("*.yaml"), *(ROOT / "grafana/dashboards").glob("*.json")]
    return [
        (path.name, name)
        for path in files
        for name in re.findall(r"(?<![\w:])kilter_[a-z_]+[a-z](?![\w:])", path.read_text(encoding="utf-8"))
    ]


async def play(directory, prometheus, alertmanager):
    story = Story()
    async with ScriptedUpstream(Script(seed=12)) as upstream:
        upstream.begin_phase({"policy": USUAL})
        # A ring in which a long conversation has no room.
        with RunningKilter(
            upstream.url, directory / "kilter", env={"KILTER_CAPTURE__RING_BYTES": str(1 << 20)}
        ) as kilter:
            admin = kilter.admin.removeprefix("http://")
            async with MonitoringStack(directory, prometheus, alertmanager, admin) as stack:
                async with Clients(kilter.url, upstream):
                    await behaviour(story, upstream, stack)
                    _, text = await asyncio.to_thread(kilter.get, "/metrics")
                    # Families, not samples: those of verdicts have none before somebody promotes a baseline.
                    story.exposed = set(re.findall(r"^# TYPE (\S+)", text, flags=re.MULTILINE))
                    await lost_copies(story, kilter, stack)
                    monitor = kilter.pids("sidecar.monitor")[0]
                    os.kill(monitor, signal.SIGSTOP)
                    await upstream.__aexit__(None, None, None)
                    for name in ("KilterTrafficErrors", "KilterMonitorDown"):
                        story.troubles[name] = await stack.webhook.until(name)
                    os.kill(monitor, signal.SIGCONT)
                kilter.process.kill()
                story.troubles["KilterGatewayDown"] = await stack.webhook.until("KilterGatewayDown")
    return story


async def behaviour(story, upstream, stack):
    await asyncio.sleep(STEADY_S)
    story.while_steady = list(stack.webhook.alerts)
    story.true_rate = upstream.labels["refusal"] / upstream.labels.total()
    upstream.begin_phase(RISEN)
    story.risen = await stack.webhook.until("RefusalRateChanged")
    story.empty_expressions = [text for text in expressions() if not await has_numbers(stack, text)]
    upstream.begin_phase({"policy": USUAL})
    story.resolved = await stack.webhook.until("RefusalRateChanged", "resolved")
    story.strata_told = {alert["labels"]["stratum"] for alert in stack.webhook.named("RefusalRateChanged")}


def expressions():
    return dashboard_expressions() + recorded_expressions()


async def has_numbers(stack, expression):
    return any(not math.isnan(value) for _, value in await stack.query(expression))


async def lost_copies(story, kilter, stack):
    large = chat("word " * 400_000)
    losing = asyncio.get_running_loop().create_task(repeat(lambda: ask(kilter.url, *large)))
    try:
        story.troubles["CapturesDropped"] = await stack.webhook.until("CapturesDropped")
    finally:
        losing.cancel()
        await asyncio.gather(losing, return_exceptions=True)


async def repeat(job):
    while True:
        await job()
        await asyncio.sleep(0.3)


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    programs = program("prometheus"), program("prometheus-alertmanager")
    return asyncio.run(play(tmp_path_factory.mktemp("real"), *programs))


def test_1_a_steady_rate_of_refusals_tells_nobody_anything(story, shown):
    shown("alerts while steady", len(story.while_steady), 0)
    assert story.while_steady == []


def test_1_a_rise_of_refusals_arrives_with_both_rates_in_its_text(story, shown):
    told = story.risen["annotations"]["description"]
    shown("the alert's text", told, "the numbers of both windows")
    numbers = re.search(
        r"Model scripted, turns 2-3: ([\d.]+)% of (\d+) recent answers are refusals, "
        r"against ([\d.]+)% of (\d+) in the reference window \(z = ([\d.]+)\)",
        told,
    )
    assert numbers, told
    recent, answers, reference, reference_answers, z = map(float, numbers.groups())
    assert 20 < recent < 75  # of 10% before and 60% since; the window holds some of both
    assert abs(reference - 100 * story.true_rate) < 4, story.true_rate  # sampling: 2.2 points are 1.5 standard errors
    assert answers >= 50
    assert reference_answers >= 200
    assert z >= 4
    assert story.risen["annotations"]["runbook_url"] == "deploy/README.md#refusalratechanged"


def test_1_only_the_stratum_that_changed_is_told(story, shown):
    shown("strata told", story.strata_told, {"2-3"})
    assert story.strata_told == {"2-3"}


def test_1_the_alert_is_resolved_when_refusals_fall_again(story, shown):
    shown("after the fall", story.resolved["status"], "resolved")
    assert story.resolved["labels"] == story.risen["labels"]


def test_2_every_expression_of_the_dashboard_and_every_recorded_series_returns_numbers(story, shown):
    shown("expressions without a number", f"{len(story.empty_expressions)} of {len(expressions())}", 0)
    assert story.empty_expressions == []


@pytest.mark.parametrize("alert", ["CapturesDropped", "KilterMonitorDown", "KilterTrafficErrors", "KilterGatewayDown"])
def test_1_real_trouble_is_told_by_its_alert_with_numbers_filled_in(story, shown, alert):
    told = story.troubles[alert]["annotations"]["description"]
    shown(alert, told, "told, numbers filled in")
    assert story.troubles[alert]["labels"]["instance"] in told
    expected = {
        "CapturesDropped": r"^[\d.]+% of the copies.*Lost: .*dropped_ring \d+;",
        "KilterMonitorDown": r"behaviour is not being watched.*Restarts so far: 0\.$",
        "KilterTrafficErrors": r"^[\d.]+% of \d+ requests.*Reasons: .*connect \d+;",
        "KilterGatewayDown": r"does not answer its scrape",
    }
    assert re.search(expected[alert], told), told


def test_2_every_metric_that_is_named_in_documents_rules_and_dashboards_is_exposed(story, shown):
    named = named_metrics()
    shown("metrics named in documents, rules and dashboards", len({name for _, name in named}), "all exposed")
    assert len({name for _, name in named}) > 10
    known = {name for _, name in named if re.sub(r"_(bucket|sum|count)$", "", name) in story.exposed} | story.exposed
    assert [(where, name) for where, name in named if name not in known] == []


# -- 3: tests/deploy/test_image.py (slow) and test_manifests.py --------------------------------
# -- 4: tests/sidecar/admin/test_page.py ---------------------------------------------------------
