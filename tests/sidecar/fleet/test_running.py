"""Two real sidecars, a real ``kilter monitor`` and a real Redis: one alarm, nothing of anybody in the store, and alone when it is away.

Ticks of a second. 600 users whose requests are spread over both sidecars at random (seed 9); 1,200 requests are learned (seed
1), then Turkish is refused at turns 4 to 7: 85 % instead of 14 %, in 1,000 (seed 3).
"""

import asyncio
import itertools
import json
import os
import random
import subprocess
import sys
import time
import zlib
from dataclasses import replace

import pytest
from load import ask
from redis_server import RunningRedis
from running import RunningKilter
from stories import KEY, STORIES, USUAL, counted

from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream

pytestmark = pytest.mark.timeout(300)

TICKS = {
    "KILTER_TICKS__LENGTH_S": "1",
    "KILTER_TICKS__GRACE_S": "10",
    "KILTER_VERDICTS__FLOOR": "0.25",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.02",
    "KILTER_BASELINE__LEARN_DAYS": "1",
    "KILTER_BASELINE__LEARN_TRIALS": "200",
    "KILTER_IDENTITY__CONVERSATION_HEADER": "x-conversation",
    "KILTER_FLEET__LEASE_S": "2",
}
PLANTED = ("planted-prompt", "planted-key", "planted-user", "planted-tool", "planted-conversation", "planted-app")
HOUSE = replace(USUAL, chains={(): 1}, spoken={"en": 40, "de": 30, "tr": 30}, turns={1: 30, 3: 10, 6: 60})
TURKISH = STORIES[0]
WAVE, PER_S = 16, 400.0


class RunningMonitor(RunningKilter):
    """``kilter monitor`` in the place of ``kilter run``."""

    def __init__(self, store, directory, env):
        super().__init__("", directory, env=env)
        self.argv = [sys.executable, "-m", "sidecar", "monitor", "--store", store, "--admin", "127.0.0.1:0"]

    def _started(self):
        self.process = subprocess.Popen(self.argv, stderr=self._log, stdout=self._log, env=self.env)
        deadline = time.monotonic() + 30
        while not (up := self.line("kilter monitor is up")):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)
        self.admin = f"http://{up['admin']}"
        return self


def command(kilter, *argv):
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *argv, "--admin", kilter.admin.removeprefix("http://")],
        env=kilter.env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def until(said, limit_s=90.0):
    """Waits beside the loop until ``said()`` is true."""
    async with asyncio.timeout(limit_s):
        while not await asyncio.to_thread(said):
            await asyncio.sleep(0.1)


class Traffic:
    def __init__(self, sidecars):
        self.sidecars, self.rng = sidecars, random.Random(9)

    async def send(self, seed, count):
        requests, ends_s = itertools.islice(counted(HOUSE, seed), count), time.monotonic()
        while wave := list(itertools.islice(requests, WAVE)):
            sent = [
                ask(self.rng.choice(self.sidecars).url, "/v1/chat/completions", body, [("X-Conversation", name)])
                for _, name, _, body in wave
            ]
            assert all(answer.status == 200 for answer in await asyncio.gather(*sent))
            ends_s += WAVE / PER_S
            await asyncio.sleep(ends_s - time.monotonic())

    async def plant(self):
        tool = {"type": "function", "function": {"name": "lookup", "parameters": {"planted-tool": 1}}}
        body = {
            "model": "scripted",
            "messages": [{"role": "user", "content": "planted-prompt: how do I clean a chain?"}],
            "user": "planted-user@example.org",
            "tools": [tool],
        }
        headers = [
            ("Authorization", "Bearer planted-key"),
            ("X-Conversation", "planted-conversation"),
            ("X-App", "planted-app"),
        ]
        for sidecar in self.sidecars:
            assert (await ask(sidecar.url, "/v1/chat/completions", body, headers)).status == 200


def everything_in(redis):
    """Every byte of it; what is compressed also as it was."""
    found = b""
    for key in redis.command("KEYS", "*").split():
        kind = redis.command("TYPE", key).strip()
        if kind == b"hash":
            for name in redis.command("HKEYS", key).split(b"\n"):
                value = redis.command("HGET", key, name).removesuffix(b"\n") if name else b""
                found += key + name + value
                if value.startswith(b"x"):
                    found += zlib.decompress(value)
        elif kind == b"string":
            found += redis.command("GET", key)
        else:
            found += redis.command(*(["ZRANGE", key, "0", "-1"] if kind == b"zset" else ["SMEMBERS", key]))
    return found


async def test_one_alarm_for_two_sidecars_nothing_of_anybody_in_the_store_and_alone_while_it_is_away(tmp_path):
    key = tmp_path / "key"
    key.write_text(KEY.ljust(32, b"\0").hex())
    with RunningRedis(tmp_path / "redis") as redis:
        env = {**TICKS, "KILTER_STORE": redis.url, "KILTER_FLEET__KEY_FILE": str(key)}
        async with ScriptedUpstream(Script(seed=7, phases=(USUAL.phase,))) as upstream:
            with (
                RunningKilter(upstream.url, tmp_path / "a", env=env) as first,
                RunningKilter(upstream.url, tmp_path / "b", env=env) as second,
                RunningMonitor(redis.url, tmp_path / "m", env) as leader,
                RunningMonitor(redis.url, tmp_path / "n", env) as other,
            ):
                await story(redis, upstream, [first, second], leader, other)


async def story(redis, upstream, sidecars, *monitors):
    def leads():
        return [monitor.metrics().total("kilter_fleet_leading") for monitor in monitors]

    await until(lambda: sorted(leads()) == [0, 1])
    monitor, standby = sorted(monitors, key=lambda one: -one.metrics().total("kilter_fleet_leading"))
    traffic = Traffic(sidecars)

    def scopes(scope):
        return [sidecar.metrics().total("kilter_verdict_scope", scope=scope) for sidecar in sidecars]

    await until(lambda: scopes("fleet") == [1, 1])
    await traffic.plant()
    await traffic.send(1, 1200)
    stored = b""

    def look():
        nonlocal stored
        stored += everything_in(redis)
        return b"refusal_by_length" in stored

    await until(look)

    def learned():
        return json.loads(monitor.get("/api/v1/baselines")[1])["learning"]["trials"] > 200

    await until(learned)
    # A sidecar refuses, also where it is alone for a moment.
    await until(lambda: "fleet's monitor" in command(sidecars[0], "baseline", "promote", "--anyway")[1])
    code, said = await asyncio.to_thread(command, monitor, "baseline", "promote", "--anyway")
    assert code == 0, said
    # Each sidecar follows: what it judges by while it is alone is the fleet's baseline.
    used = json.loads(monitor.get("/api/v1/baselines")[1])["in_use"]
    await until(lambda: {json.loads(s.get("/api/v1/baselines")[1])["in_use"] for s in sidecars} == {used})
    upstream.script = upstream.script.with_phase(replace(TURKISH.phase, from_exchange=upstream.exchanges))
    await traffic.send(3, 1000)
    await until(lambda: monitor.metrics().total("kilter_alarms_total") >= 1)
    alarms = json.loads(monitor.get("/api/v1/alarms")[1])
    assert {(one["verdict"]["behaviour"], one["verdict"]["stratum"]) for one in alarms} == TURKISH.alarms
    for sidecar in sidecars:
        assert sidecar.metrics().total("kilter_state") == 0
        assert sidecar.line("out of control") is None
    assert "stands by" in command(standby, "status")[1]
    assert standby.metrics().total("kilter_state") == 0
    monitor.process.kill()
    await until(lambda: standby.metrics().total("kilter_fleet_leading") == 1)
    monitor = standby
    assert [one["id"] for one in json.loads(monitor.get("/api/v1/alarms")[1])] == [one["id"] for one in alarms]
    assert json.loads(monitor.get("/api/v1/baselines")[1])["in_use"] == used
    look()
    for planted in PLANTED:
        assert planted.encode() not in stored, planted
    assert b"told" in stored  # the parts were read as they are, not compressed only

    redis.kill()
    await until(lambda: scopes("local") == [1, 1])
    assert all(sidecar.line("judging this sidecar's traffic alone") for sidecar in sidecars)
    await until(lambda: all(sidecar.metrics().total("kilter_state") > 0 for sidecar in sidecars))
    await traffic.send(5, 64)
    redis.start()
    await until(lambda: scopes("fleet") == [1, 1])
    counted_before = monitor.metrics().total("kilter_fleet_parts_total", outcome="counted")
    await traffic.send(6, 64)
    await until(lambda: monitor.metrics().total("kilter_fleet_parts_total", outcome="counted") > counted_before)
    assert monitor.metrics().total("kilter_fleet_parts_total", outcome="late") == 0
    assert used == json.loads(monitor.get("/api/v1/baselines")[1])["in_use"]


@pytest.mark.parametrize(
    ("env", "need"),
    [
        ({}, "store: is needed"),
        ({"KILTER_STORE": "redis://h"}, "needs fleet.key_file"),
        (
            {
                "KILTER_STORE": "redis://h",
                "KILTER_FLEET__KEY_FILE": "/k",
                "KILTER_CANARY__ENABLED": "true",
                "KILTER_CANARY__KEY_FILE": "/k",
                "KILTER_CANARY__TOKENS_A_DAY": "9",
                "KILTER_CANARY__SAMPLING": "mirror",
            },
            "canary.sampling: mirror needs traffic",
        ),
        (
            {"KILTER_STORE": "redis://h", "KILTER_FLEET__KEY_FILE": "/nowhere"},
            "fleet.key_file: /nowhere: cannot be read",
        ),
        ({"KILTER_STORE": "redis://:planted@h"}, "address without a password"),
        ({"KILTER_STORE": "http://h"}, "need redis://"),
    ],
)
def test_what_a_monitor_cannot_begin_with_is_said_in_a_line_and_quotes_no_password(tmp_path, env, need):
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "monitor", "--state", str(tmp_path)],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert need in done.stderr
    assert "planted" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
