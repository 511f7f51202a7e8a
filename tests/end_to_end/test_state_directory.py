"""A whole Kilter whose state directory is full, or read-only, or whose clock is set back: traffic and detection go on, the gap is
in the log and in an alert.

The directory is a file system of 4 MB of its own that is truly full, or the state of an earlier run mounted read-only
(``tests/support/state_mount.py``), while a family drifts (``tests/support/families.py``); Prometheus and Alertmanager are real, with the shipped rules and shortened
durations. The clock of every process is set back by two hours while it runs: `time.time` is replaced at the start of each, since a
namespace has no wall clock of its own. Seeds: the house 31, its clients 32.
"""

import asyncio
import signal
import subprocess
import sys
import time

import pytest
from families import FAMILIES, USUAL, Clients, baseline
from load import ask, chat
from monitoring import SHORT, MonitoringStack
from real import program
from running import RunningKilter
from state_mount import ReadOnlyKilter, SmallKilter

from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.evidence.verify import records, verify
from sidecar.store.baseline_file import dumped

TICK_S = 1.0
PER_S = 60
ENV = {
    "KILTER_TICKS__LENGTH_S": f"{TICK_S:g}",
    "KILTER_TICKS__GRACE_S": "5",
    "KILTER_VERDICTS__FLOOR": "0.1",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.02",
    "KILTER_IDENTITY__CONVERSATION_HEADER": "x-conversation",
}
DRIFTED = FAMILIES[0]
BACK_S = 7200
TOLD = (
    "kilter_monitor_up", "kilter_evidence_lost_records", "kilter_evidence_consistent", "kilter_responses_total",
    "kilter_unfinished_exchanges_total", "kilter_judged_until_timestamp_seconds", "kilter_clock_back_seconds",
    "kilter_analysis_lag_seconds", "kilter_invalid_ticks_total", "kilter_observations_total",
)  # fmt: skip


def env(directory):
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "baseline.json").write_text(dumped(baseline(TICK_S)))
    return ENV | {"KILTER_BASELINE__FILE": str(directory / "baseline.json")}


def kept(kilter):
    key = bytes.fromhex((kilter.state / "evidence_key").read_text().strip())
    return [content for _, content, _ in records(kilter.state / "evidence", key)], verify(
        kilter.state / "evidence", key
    )


def begun_once(kind, upstream, directory, **more):
    """A read-only state is one that an earlier run has left."""
    if kind is ReadOnlyKilter:
        with RunningKilter(upstream.url, directory, **more) as kilter:
            kilter.process.send_signal(signal.SIGTERM)
            kilter.process.wait(15)


def annotate(kilter):
    """A record with words, which are a file of their own."""
    argv = [sys.executable, "-m", "sidecar", "annotate", "a note", "--admin", kilter.admin.removeprefix("http://")]
    env = kilter.env | {"KILTER_STATE": str(kilter.state)}
    subprocess.run(argv, env=env, capture_output=True, check=True, timeout=30)


def unwritten(found):
    """Gaps of a log that could not be written; where an earlier run was hurried to its end there is another kind."""
    gaps = [one["data"] for one in found if one["kind"] == "gap"]
    return [gap for gap in gaps if gap["reason"] == "not_writable"]


def alarmed(seen):
    return seen.total("kilter_alarms_total") > 0


async def until(kilter, held, limit_s=100):
    seen = await asyncio.to_thread(kilter.until, held, limit_s)
    assert held(seen), f"{ {name: seen.total(name) for name in TOLD} } {kilter.log()[-3000:]}"
    return seen


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", [SmallKilter, ReadOnlyKilter])
async def test_with_a_state_directory_that_cannot_be_written_traffic_and_counting_go_on_and_the_gap_is_said(
    tmp_path, kind
):
    async with ScriptedUpstream() as upstream:
        begun_once(kind, upstream, tmp_path)
        with kind(upstream.url, tmp_path) as kilter:
            await ask(kilter.url, *chat("Could you explain how a kite flies?"))
            await until(kilter, lambda seen: seen.total("kilter_responses_total") == 1)
            with kilter.troubled():
                before = kilter.metrics().total("kilter_evidence_lost_records")
                await asyncio.to_thread(annotate, kilter)
                bad = await until(kilter, lambda seen: seen.total("kilter_evidence_lost_records") > before)
                answers = [await ask(kilter.url, *chat("Could you explain how a kite flies?")) for _ in range(5)]
                await until(kilter, lambda seen: seen.total("kilter_responses_total") == 6)
                assert kilter.get("/readyz")[0] == 200
            await until(kilter, lambda seen: seen.total("kilter_evidence_consistent") == 1)
            found, verdict = kept(kilter)
    assert [answer.status for answer in answers] == [200] * 5
    assert bad.total("kilter_evidence_consistent") == 0  # what the rule EvidenceNotKept looks at
    assert verdict.broken is None
    (gap,) = unwritten(found)
    assert (gap["reason"], gap["lost"]) == (
        "not_writable",
        bad.total("kilter_evidence_lost_records"),
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("kind", [SmallKilter, ReadOnlyKilter])
async def test_with_a_state_directory_that_cannot_be_written_an_alarm_is_raised_and_the_gap_is_said(tmp_path, kind):
    programs = program("prometheus"), program("prometheus-alertmanager")
    async with ScriptedUpstream(Script(seed=31)) as upstream:
        upstream.begin_phase(USUAL)
        begun_once(kind, upstream, tmp_path / "kilter", env=env(tmp_path))
        with kind(upstream.url, tmp_path / "kilter", env=env(tmp_path)) as kilter:
            async with (
                MonitoringStack(tmp_path, *programs, kilter.admin.removeprefix("http://"), SHORT) as stack,
                Clients(kilter.url, 32, PER_S) as clients,
            ):
                await until(kilter, lambda seen: seen.total("kilter_judged_until_timestamp_seconds") > time.time() - 10)
                with kilter.troubled():
                    await asyncio.to_thread(annotate, kilter)
                    upstream.begin_phase(DRIFTED.phase)
                    asked = clients.asked
                    bad = await until(kilter, alarmed)
                    bad = await until(kilter, lambda seen: seen.total("kilter_evidence_consistent") == 0)
                    told = await stack.webhook.until("EvidenceNotKept")
                    raised = await stack.webhook.until("HollowRefusalRise")
                    answered = kilter.metrics()
                    assert kilter.get("/readyz")[0] == 200
                    assert clients.asked > asked + PER_S
                await until(kilter, lambda seen: seen.total("kilter_evidence_consistent") == 1, 20)
            found, verdict = await asyncio.to_thread(kept, kilter)
    assert bad.total("kilter_evidence_lost_records") >= 1
    assert answered.total("kilter_requests_total") == answered.total("kilter_requests_total", status_class="2xx")
    assert told["labels"]["component"] == "evidence"
    assert "Traffic and detection go on" in told["annotations"]["description"]
    assert raised["labels"]["stratum"] == "1"
    assert verdict.broken is None
    assert sum(gap["lost"] for gap in unwritten(found)) >= 1


AT_START = """
import pathlib
import time

machine, shift, read = time.time, [0.0], [0.0]

def shifted():
    if time.monotonic() > read[0] + 0.2:
        read[0] = time.monotonic()
        shift[0] = float(pathlib.Path({file!r}).read_text() or 0)
    return machine() + shift[0]

time.time = shifted
"""


def shifted(directory):
    """The clock of every process of a Kilter obeys the file ``shift``: seconds that are added to the machine's."""
    (directory / "path").mkdir()
    (directory / "shift").write_text("0")
    (directory / "path" / "sitecustomize.py").write_text(AT_START.format(file=str(directory / "shift")))
    return {"PYTHONPATH": str(directory / "path")}


@pytest.mark.timeout(300)
async def test_a_clock_that_is_set_back_delays_no_alarm_and_is_in_the_log_and_in_the_metrics(tmp_path):
    async with ScriptedUpstream(Script(seed=31)) as upstream:
        upstream.begin_phase(USUAL)
        with RunningKilter(upstream.url, tmp_path / "kilter", env=env(tmp_path) | shifted(tmp_path)) as kilter:
            async with Clients(kilter.url, 32, PER_S):
                await until(kilter, lambda seen: seen.total("kilter_judged_until_timestamp_seconds") > time.time() - 10)
                (tmp_path / "shift").write_text(str(-BACK_S))
                back = await until(kilter, lambda seen: seen.total("kilter_clock_back_seconds") > 1)
                late = kilter.metrics().total("kilter_unfinished_exchanges_total")
                upstream.begin_phase(DRIFTED.phase)
                begun = time.monotonic()
                seen = await until(kilter, alarmed)
                took_s = time.monotonic() - begun
                said = kilter.get("/api/v1/alarms")[1]
        found, verdict = kept(kilter)
    assert back.total("kilter_clock_back_seconds") == pytest.approx(BACK_S, abs=5)
    assert took_s < 60
    assert "hollow_refusal" in said
    assert seen.total("kilter_unfinished_exchanges_total") - late < 2 * PER_S
    assert seen.total("kilter_requests_total") == seen.total("kilter_requests_total", status_class="2xx")
    assert verdict.broken is None
    (clock,) = [one["data"] for one in found if one["kind"] == "clock"]
    assert clock["back_s"] == pytest.approx(BACK_S, abs=60)
