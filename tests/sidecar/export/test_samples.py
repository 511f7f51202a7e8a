"""Keeping text is opt-in: what is kept is what an alarm names, without users, and a disk that fails costs nothing else."""

import json
import logging
import signal
import subprocess
import sys

import pytest
from load import ask
from prometheus_client import CollectorRegistry
from running import RunningKilter

from detectors.features.extract import extract
from detectors.records.exchange import Exchange, Message
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.export.base import Seen
from sidecar.export.samples import SampleExporter
from sidecar.store.samples import SampleStore, samples

KEY, NOW = bytes(range(32)), 1_700_000_000.0
TEXT, USER = "How do I prune an apple tree in zwetschgenland?", "user-4711"


def seen(text=TEXT):
    exchange = Exchange(
        "chat",
        "openai",
        response_id="r1",
        input_messages=(Message("user", text),),
        output_messages=(Message("assistant", "In winter."),),
        started_at_s=NOW,
        app="shop",
        user_key=USER,
        conversation_id="c-4711",
    )
    return Seen(exchange, extract(exchange), (), "m", "en", "openai.chat", "00-1")


def exporter(store):
    registry = CollectorRegistry()
    return SampleExporter(store, registry, lambda: NOW), registry


def test_an_exchange_is_kept_by_what_an_alarm_names_and_its_text_without_its_user(tmp_path):
    one, registry = exporter(SampleStore(tmp_path, KEY, 3600, 1 << 20))
    one.exchange(seen())
    (raw,) = samples(tmp_path, KEY)
    found = json.loads(raw)
    assert (found["response_id"], found["app"], found["at_s"]) == ("r1", "shop", NOW)
    assert (found["input"], found["output"]) == (
        [{"role": "user", "text": TEXT}],
        [{"role": "assistant", "text": "In winter."}],
    )
    assert b"4711" not in raw
    assert registry.get_sample_value("kilter_samples_kept_total") == 1
    assert registry.get_sample_value("kilter_samples_bytes") == sum(p.stat().st_size for p in tmp_path.iterdir())


def test_nothing_is_kept_unless_it_is_asked_for_and_the_metrics_say_so():
    one, registry = exporter(None)
    one.exchange(seen())
    one.expire()
    assert registry.get_sample_value("kilter_keep_samples_enabled") == 0
    assert registry.get_sample_value("kilter_samples_kept_total") == 0


def test_what_is_too_large_is_left_out_and_counted_and_a_lone_surrogate_is_kept(tmp_path):
    one, registry = exporter(SampleStore(tmp_path, KEY, 3600, 1 << 20))
    one.exchange(seen("x" * 70_000))
    assert registry.get_sample_value("kilter_samples_lost_total", {"reason": "too_large"}) == 1
    one.exchange(seen("\ud800"))
    assert registry.get_sample_value("kilter_samples_kept_total") == 1


def test_a_directory_that_is_gone_costs_samples_and_raises_nothing(tmp_path, caplog):
    directory = tmp_path / "samples"
    one, registry = exporter(SampleStore(directory, KEY, 3600, 1 << 20))
    directory.rmdir()
    with caplog.at_level(logging.ERROR):
        one.exchange(seen())
        one.exchange(seen())
    assert registry.get_sample_value("kilter_samples_lost_total", {"reason": "disk"}) == 2
    assert [record.message for record in caplog.records] == ["samples cannot be kept"]
    directory.mkdir()
    one.exchange(seen())
    assert registry.get_sample_value("kilter_samples_kept_total") == 1


def kilter_samples(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "sidecar", "samples", *map(str, arguments)], capture_output=True, check=False, timeout=30
    )


@pytest.mark.timeout(120)
async def test_a_kilter_that_keeps_samples_says_so_and_the_command_reads_them_with_the_key_alone(tmp_path):
    key, directory = tmp_path / "key", tmp_path / "samples"
    key.write_text(KEY.hex())
    env = {"KILTER_KEEP_SAMPLES__DIR": str(directory), "KILTER_KEEP_SAMPLES__KEY_FILE": str(key)}
    body = {"model": "m", "messages": [{"role": "user", "content": TEXT}], "user": USER}
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path, env=env) as kilter:
            assert (await ask(kilter.url, "/v1/chat/completions", body)).status == 200
            metrics = kilter.until(lambda seen: seen.total("kilter_samples_kept_total") == 1, 40)
            assert metrics.total("kilter_keep_samples_enabled") == 1
            kilter.process.send_signal(signal.SIGTERM)
            kilter.process.wait(20)
            said = kilter.line("prompts and answers are kept, encrypted (keep_samples)")
    assert TEXT.encode() not in b"".join(path.read_bytes() for path in directory.iterdir())
    assert said["level"] == "warning"
    done = kilter_samples("--dir", directory, "--key-file", key)
    (found,) = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, found["input"][-1]["text"]) == (0, TEXT)
    assert USER.encode() not in done.stdout
    assert kilter_samples("--dir", directory, "--key-file", key, found["response_id"]).returncode == 0
    assert kilter_samples("--dir", directory, "--key-file", key, "another").returncode == 3
    key.write_text("00" * 32)
    wrong = kilter_samples("--dir", directory, "--key-file", key)
    assert (wrong.returncode, wrong.stdout) == (2, b"")
    assert b"under another key" in wrong.stderr
