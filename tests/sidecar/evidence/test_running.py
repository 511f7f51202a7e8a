"""What a running Kilter writes into its evidence log, and what a disk that is full takes away: records, and nothing else."""

import asyncio
import contextlib
import json
import resource
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from load import ask, chat
from running import RunningKilter
from tampering import every_97th_byte, other_records

from sidecar import config
from sidecar.cli import main
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.evidence.log import EvidenceLog
from sidecar.evidence.segments import segments
from sidecar.evidence.verify import records, verify
from sidecar.monitor.chronicle import plain

VERDICT = {"behaviour": "refusal_by_language", "stratum": "tr", "model": "m", "state": "in_control", "explanation": ""}
CONFIG = """
report: {system: Shop assistant, purpose: answers customers, waivers: [{what: "language:sw", why: no reviewer yet, by: Ada, until: 2027-03-01}]}
otlp: {headers: {authorization: planted-secret}}
budget: {false_alarms: %s}
"""


def key_of(kilter):
    return bytes.fromhex((kilter.state / "evidence_key").read_text().strip())


def kept(kilter):
    return [content for _, content, _ in records(kilter.state / "evidence", key_of(kilter))]


def command(kilter, *argv):
    argv = [sys.executable, "-m", "sidecar", *argv, "--admin", kilter.admin.removeprefix("http://")]
    subprocess.run(argv, env=kilter.env, capture_output=True, check=True, timeout=30)


def until(held, limit_s=10.0):
    deadline = time.monotonic() + limit_s
    while not held():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def stopped(kilter):
    """By one signal: a second would hurry."""
    kilter.process.send_signal(signal.SIGTERM)
    kilter.process.wait(15)


def watched(kilter):
    return [record["kind"] for record in kept(kilter)]


def written_elsewhere(directory, key, count):
    log = EvidenceLog(directory, key, time.time())
    for number in range(count):
        log.append("verdict", VERDICT | {"n_current": number}, time.time())
    log.close(time.time())


async def test_starts_stops_pauses_configuration_traffic_and_how_all_stands_are_records(tmp_path):
    file = tmp_path / "kilter.yaml"
    file.write_text(CONFIG % 0.007)
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path, "--config", str(file)) as kilter:
            for _ in range(7):
                await ask(kilter.url, *chat("Could you explain how a bicycle stays upright?"))
            await asyncio.to_thread(command, kilter, "pause")
            await asyncio.to_thread(until, lambda: "pause" in watched(kilter))
            await asyncio.to_thread(command, kilter, "resume")
            await asyncio.to_thread(until, lambda: "resume" in watched(kilter))
            await asyncio.to_thread(stopped, kilter)
        file.write_text(CONFIG % 0.01)
        with RunningKilter(upstream.url, tmp_path, "--config", str(file)) as kilter:
            await asyncio.to_thread(stopped, kilter)
    told = kept(kilter)
    assert [record["kind"] for record in told] == [
        *("start", "config", "pause", "resume", "traffic", "standing", "stop"),
        *("start", "config", "traffic", "standing", "stop"),
    ]
    traffic, standing = told[4]["data"], told[5]["data"]
    assert (traffic["requests"], traffic["copies"], traffic["languages"]) == (7, 7, {"en": 7})
    assert traffic["labels"] == {"compliance": 7}
    assert (standing["baseline_state"], standing["baseline"]) == ("none", "")
    first, second = told[1]["data"], told[8]["data"]
    assert (first["values"]["budget.false_alarms"], second["values"]["budget.false_alarms"]) == (0.007, 0.01)
    assert (first["changed"], second["changed"]) == ([], ["budget.false_alarms"])
    assert second["sha256"] == told[7]["data"]["config_sha256"] == told[10]["data"]["config_sha256"] != first["sha256"]
    log = b"".join(path.read_bytes() for path in segments(kilter.state / "evidence"))
    assert b"authorization" in log
    assert b"planted-secret" not in log
    assert b"Ada" not in log
    assert "Ada" in (kilter.state / "evidence/payloads/2.json").read_text()

    def found(head=None):
        return verify(kilter.state / "evidence", key_of(kilter), head)

    head = found().head
    assert (found(head).broken, found(head).unaltered_through) == (None, len(told))
    for sequence in every_97th_byte(kilter.state / "evidence"):
        assert found().broken_seq == sequence
    written_elsewhere(tmp_path / "foreign", key_of(kilter), len(told))
    for sequence in other_records(kilter.state / "evidence", tmp_path / "foreign", 5):
        assert found().broken_seq == sequence
    path = segments(kilter.state / "evidence")[-1]
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert found().broken is None
    assert "the end is gone" in found(head).broken


def test_verify_report_and_export_of_a_log_that_is_being_written_end_with_its_last_whole_record(tmp_path):
    state = tmp_path / "state"
    key, now = b"k" * 32, time.time()
    writing = EvidenceLog(state / "evidence", key, now - 3600)
    for number in range(20):
        writing.append("verdict", VERDICT | {"n_current": number}, now - 3600 + number)
    (state / "evidence_key").write_text(key.hex())
    path, head = segments(state / "evidence")[-1], str(writing.head)
    with path.open("ab") as file:
        file.write(b'{"seal":"' + b"0" * 64 + b'","record":{"at":"2026-')

    def kilter(*argv):
        return CliRunner().invoke(main, [*argv, "--state", str(state)])

    verified, told = kilter("evidence", "verify"), kilter("evidence", "verify", "--json", "--head", head)
    assert (verified.exit_code, told.exit_code) == (0, 0)
    assert "consistent: 20 records" in verified.stdout
    assert "behind it stand 96 bytes of a record that is being written" in verified.stdout
    assert (json.loads(told.stdout)["head"], json.loads(told.stdout)["torn_bytes"]) == (head, 96)
    for form in ("md", "html", "json"):
        report = kilter("report", "--since", "1d", "--format", form)
        assert (report.exit_code, report.stderr) == (0, "")
        assert head.partition(":")[2][:16] in report.stdout
    assert kilter("evidence", "export", "-o", str(tmp_path / "out.tar.gz")).exit_code == 0
    writing.close(now)


@contextlib.contextmanager
def no_room(pid, path):
    """The process can write nothing past the present size of ``path``, as on a full disk."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (path.stat().st_size + 20, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.timeout(60)
async def test_on_a_full_disk_traffic_and_counting_go_on_and_the_gap_is_in_the_log_and_in_the_alert(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            await asyncio.to_thread(until, lambda: "config" in watched(kilter))
            # The second identifier of languages is loaded by the first short text, through a temporary file.
            await ask(kilter.url, *chat("Could you explain how a kite flies?"))
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_responses_total") == 1)
            (monitor,) = kilter.pids("sidecar.monitor")
            with no_room(monitor, segments(kilter.state / "evidence")[-1]):
                await asyncio.to_thread(command, kilter, "pause")
                full = await asyncio.to_thread(
                    kilter.until, lambda seen: seen.total("kilter_evidence_lost_records") > 0
                )
                await asyncio.to_thread(command, kilter, "resume")
                answers = [await ask(kilter.url, *chat("Could you explain how a kite flies?")) for _ in range(5)]
                counted = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_responses_total") == 6)
                await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_evidence_lost_records") == 2)
                assert verify(kilter.state / "evidence", key_of(kilter)).broken is None
            back = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_evidence_consistent") == 1, 20)
    assert [answer.status for answer in answers] == [200] * 5
    assert counted.total("kilter_responses_total") == 6
    assert full.total("kilter_evidence_consistent") == 0  # what the rule EvidenceNotKept looks at
    assert back.total("kilter_evidence_consistent") == 1
    (gap,) = [record["data"] for record in kept(kilter) if record["kind"] == "gap"]
    assert (gap["reason"], gap["lost"]) == ("not_writable", 2)
    assert gap["until_s"] - gap["since_s"] < 30
    assert verify(kilter.state / "evidence", key_of(kilter)).broken is None


def test_of_header_values_only_the_names_are_kept():
    loaded = config.load(None, {}, upstream="http://127.0.0.1:1", otlp={"headers": {"authorization": "secret"}})
    assert plain(loaded)["otlp.headers"] == ["authorization"]
    assert not any(name.startswith("report") for name in plain(loaded))
