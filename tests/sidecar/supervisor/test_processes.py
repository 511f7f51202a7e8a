"""The supervisor and its children, on real processes."""

import asyncio
import os
import resource
import signal
import time

import psutil
from load import ask, chat
from running import RunningKilter

from sidecar.demo.delivery import Timing
from sidecar.demo.upstream import ScriptedUpstream


async def test_sigterm_lets_streams_finish_while_readiness_fails_and_new_connections_are_refused(tmp_path):
    async with ScriptedUpstream(timing=Timing(chunk_s=0.08)) as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            stream = asyncio.get_running_loop().create_task(
                ask(kilter.url, *chat("Tell me about the sea.", stream=True))
            )
            await asyncio.sleep(0.4)
            kilter.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            ready, _ = await asyncio.to_thread(kilter.get, "/readyz")
            late = await ask(kilter.url, *chat(), limit_s=2)
            whole = await stream
            code = await asyncio.to_thread(kilter.process.wait, 10)
    assert (whole.status, whole.error) == (200, "")
    assert b"[DONE]" in whole.body
    assert ready == 503
    assert late.status != 200
    assert code == 0


async def test_a_monitor_started_anew_reads_what_its_predecessor_left(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            (monitor,) = kilter.pids("sidecar.monitor")
            os.kill(monitor, signal.SIGSTOP)
            for _ in range(5):
                assert (await ask(kilter.url, *chat())).status == 200
            os.kill(monitor, signal.SIGKILL)
            metrics = kilter.until(lambda seen: seen.total("kilter_responses_total") == 5, 15)
    assert metrics.total("kilter_responses_total") == 5


def test_children_know_no_secret_of_the_environment_and_dump_no_core(tmp_path):
    with RunningKilter("http://127.0.0.1:1", tmp_path, env={"OPENAI_API_KEY": "sk-planted-1"}) as kilter:
        for pid in (*kilter.pids("sidecar.gateway"), *kilter.pids("sidecar.monitor")):
            assert "OPENAI_API_KEY" not in psutil.Process(pid).environ()
            assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
            assert not any("sk-planted" in part for part in psutil.Process(pid).cmdline())


def test_health_needs_a_worker_and_readiness_an_upstream_only_where_asked(tmp_path):
    with RunningKilter("http://127.0.0.1:1", tmp_path / "plain") as kilter:
        assert kilter.get("/readyz")[0] == 200
        (worker,) = kilter.pids("sidecar.gateway")
        os.kill(worker, signal.SIGSTOP)  # alive, but it does not say that it accepts
        deadline = time.monotonic() + 6
        while kilter.get("/readyz")[0] == 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert kilter.get("/readyz")[0] == 503
        assert kilter.get("/healthz")[0] == 200
        os.kill(worker, signal.SIGCONT)
    env = {"KILTER_READINESS__REQUIRE_UPSTREAM": "true"}
    with RunningKilter("http://127.0.0.1:1", tmp_path / "asked", env=env, wait=False) as kilter:
        time.sleep(1.5)
        status, text = kilter.get("/readyz")
        assert (status, text.strip()) == (503, "upstream does not accept connections")
        assert kilter.get("/healthz")[0] == 200


def test_a_successor_is_not_ready_on_the_word_of_a_dead_worker(tmp_path):
    with RunningKilter("http://127.0.0.1:1", tmp_path) as kilter:
        (worker,) = kilter.pids("sidecar.gateway")
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while kilter.pids("sidecar.gateway") in ([], [worker]) and time.monotonic() < deadline:
            pass
        assert kilter.get("/readyz")[0] == 503  # it has only begun to start
        while kilter.get("/readyz")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert kilter.get("/readyz")[0] == 200


async def test_sighup_takes_the_monitors_keys_names_the_others_and_hurts_no_request(tmp_path):
    file = tmp_path / "kilter.yaml"
    async with ScriptedUpstream(timing=Timing(chunk_s=0.05)) as upstream:
        file.write_text("sample: 1.0\n")
        with RunningKilter(upstream.url, tmp_path, "--config", str(file)) as kilter:
            (before,) = kilter.pids("sidecar.monitor")
            stream = asyncio.get_running_loop().create_task(ask(kilter.url, *chat("Tell me.", stream=True)))
            await asyncio.sleep(0.1)
            file.write_text("sample: 0.5\nlabels:\n  models: [known]\n")
            kilter.process.send_signal(signal.SIGHUP)
            assert (await stream).error == ""
            await asyncio.to_thread(kilter.until, lambda _: kilter.pids("sidecar.monitor") not in ([], [before]))
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_monitor_up") == 1, 15)
            assert (await ask(kilter.url, *chat())).status == 200
            metrics = kilter.until(lambda seen: seen.total("kilter_responses_total", model="other") >= 1)
            assert metrics.total("kilter_responses_total", model="other") >= 1
            named = kilter.line("these keys need a restart and are left as they were")
            assert named["keys"] == ["sample"]

            file.write_text("sampel: 1\n")
            kilter.process.send_signal(signal.SIGHUP)
            kilter.until(lambda _: kilter.line("the configuration does not hold and is not taken"))
            assert "did you mean sample?" in kilter.line("the configuration does not hold and is not taken")["mistakes"]
            assert kilter.metrics().total("kilter_monitor_up") == 1
