"""What a running Kilter leaves elsewhere: its evidence log, and OpenTelemetry."""

import json
import signal
import subprocess
import sys

import pytest
from load import ask, chat
from receiving import attributes, receiver
from running import RunningKilter

from sidecar.demo.upstream import ScriptedUpstream
from sidecar.evidence.verify import records

SECRET = "wq7-planted-text"
TRACE = "0af7651916cd43dd8448eb211c80319c"


def kilter_command(*argv):
    return subprocess.run(
        [sys.executable, "-m", "sidecar", *map(str, argv)], capture_output=True, text=True, timeout=30, check=False
    )


def kept(kilter):
    key = bytes.fromhex((kilter.state / "evidence_key").read_text().strip())
    return [content for _, content, _ in records(kilter.state / "evidence", key)]


async def test_a_run_is_evidence_from_start_to_stop_with_its_commands_and_verifies(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            reach = ("--admin", kilter.admin.removeprefix("http://"), "--state", kilter.state)
            assert (await ask(kilter.url, *chat(SECRET))).status == 200
            done = kilter_command("annotate", "a new system prompt", *reach)
            assert done.returncode == 0, done.stderr
            metrics = kilter.until(lambda seen: seen.total("kilter_evidence_records") >= 3)
            assert (metrics.total("kilter_evidence_consistent"), metrics.total("kilter_evidence_lost_records")) == (
                1,
                0,
            )
            kilter.process.send_signal(signal.SIGTERM)
            kilter.process.wait(20)
    kinds = [record["kind"] for record in kept(kilter)]
    assert kinds[:3] == ["start", "config", "annotation"]
    assert kinds[-1] == "stop"
    assert set(kinds[3:-1]) <= {"traffic", "standing"}
    verified = kilter_command("evidence", "verify", "--state", kilter.state, "--json")
    assert (verified.returncode, json.loads(verified.stdout)["records"]) == (0, len(kinds))
    chain = b"".join(path.read_bytes() for path in (kilter.state / "evidence").glob("*.jsonl"))
    assert b"system prompt" not in chain
    for path in (kilter.state / "evidence").rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


async def test_a_monitor_that_was_killed_leaves_a_gap_in_the_evidence(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            (first,) = kilter.pids("sidecar.monitor")
            subprocess.run(["kill", "-9", str(first)], check=True)
            kilter.until(lambda seen: seen.total("kilter_evidence_records") >= 4, limit_s=20)
            assert [record["kind"] for record in kept(kilter)][:4] == ["start", "config", "gap", "start"]


@pytest.mark.parametrize("protocol", ["grpc", "http"])
async def test_an_exchange_through_kilter_reaches_the_collector_without_its_text(tmp_path, protocol):
    with receiver(protocol) as received:
        async with ScriptedUpstream() as upstream:
            env = {
                "KILTER_OTLP__ENDPOINT": received.endpoint,
                "KILTER_OTLP__PROTOCOL": protocol,
                "KILTER_OTLP__SERVICE_NAME": "beside-llama",
            }
            with RunningKilter(upstream.url, tmp_path, env=env) as kilter:
                traced = [("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"), ("tracestate", "congo=1")]
                assert (await ask(kilter.url, *chat(SECRET), traced)).status == 200
                kilter.until(lambda seen: seen.total("kilter_responses_total") == 1)
                kilter.process.send_signal(signal.SIGTERM)
                kilter.process.wait(20)
    (span,) = received.spans
    assert (span.trace_id.hex(), span.trace_state) == (TRACE, "congo=1")
    assert attributes(span)["gen_ai.operation.name"] == "chat"
    assert received.resources[0]["service.name"] == "beside-llama"
    assert {metric.name for metric in received.metrics} >= {"gen_ai.server.request.duration"}
    assert [record.event_name for record in received.logs] == ["gen_ai.evaluation.result"]
    assert SECRET not in received.text()
