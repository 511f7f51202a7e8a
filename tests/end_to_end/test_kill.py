"""``kill -9`` in the middle: the verdicts are those of a Kilter that was left alone.

Two Kilters stand one behind the other and see the same traffic, with the same key and so the same conversations; the second
one is killed, whole and then its monitor only. Ticks of two seconds, requests in the first half of each, so that both count
them in the same tick. A baseline from a file, one of whose strata moves: 85 % instead of 14 %. Seed 1; 70 requests a tick.
"""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import time
from dataclasses import replace

import psutil
import pytest
from load import ask
from monitoring import free_port
from running import RunningKilter
from stories import STORIES, USUAL, baseline, counted, with_key

from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.store.baseline_file import dumped

TICK_S = 2
EACH = 70
CELL = ("refusal_by_language_and_length", "tr:4-7")
LEARNED = {
    CELL: 0.14,
    ("refusal_by_language_and_length", "en:1"): 0.05,
    ("refusal_by_language", "en"): 0.05,
    ("refusal_by_language", "tr"): 0.14,
    ("refusal_by_length", "1"): 0.1,
    ("refusal_by_length", "4-7"): 0.1,
    ("hollow_refusal", "1"): 0.06,
    ("repeated_input", "all"): 0.01,
}
HOUSE = replace(USUAL, chains={(): 1}, spoken={"en": 50, "tr": 50}, turns={1: 30, 6: 70})


def environment(directory):
    file = directory / "baseline.json"
    file.write_text(dumped(baseline(LEARNED, TICK_S)))
    return {
        "KILTER_TICKS__LENGTH_S": str(TICK_S),
        "KILTER_TICKS__GRACE_S": "6",
        "KILTER_BASELINE__FILE": str(file),
        "KILTER_VERDICTS__FLOOR": "0.4",
        "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
        "KILTER_BUDGET__PERIOD_DAYS": "0.02",
        "KILTER_IDENTITY__CONVERSATION_HEADER": "x-conversation",
    }


async def traffic(url, requests, ticks):
    """The requests of so many ticks, at the beginning of each. Nobody is named: what is remembered of users dies with a process."""
    for _ in range(ticks):
        await asyncio.sleep(TICK_S - time.time() % TICK_S + 0.1)
        begun = time.time()
        wave = [
            ask(url, "/v1/chat/completions", {**body, "user": ""}, [("X-Conversation", name)])
            for _, name, _, body in itertools.islice(requests, EACH)
        ]
        assert all(answer.status == 200 for answer in await asyncio.gather(*wave))
        assert time.time() // TICK_S == begun // TICK_S, "too slow: the requests of a tick must begin in it"


async def settled(*kilters):
    now = time.time()
    for kilter in kilters:
        await asyncio.to_thread(
            kilter.until, lambda seen: seen.total("kilter_judged_until_timestamp_seconds") > now, 60
        )


def verdicts(kilter):
    """Of the strata that the baseline knows; others can depend on what a process remembers of conversations."""
    found = json.loads(kilter.get("/api/v1/verdicts")[1])
    return {(one["behaviour"], one["stratum"]): one for one in found if one["baseline_id"]}


async def at_the_same_tick(one, other):
    """The verdicts of both, as of the same tick."""
    for _ in range(20):
        found = verdicts(one), verdicts(other)
        if len({verdict["at_s"] for both in found for verdict in both.values()}) == 1:
            return found
        await asyncio.sleep(TICK_S / 4)
    pytest.fail("they never were at the same tick")


def said(verdict):
    """Its state; that evidence is near an alarm is none, and may hang on the tick that was lost."""
    return "in_control" if verdict["state"] == "watch" else verdict["state"]


def killed(kilter):
    """The whole of it at once, as the kernel would."""
    for process in [*kilter.children(), psutil.Process(kilter.process.pid)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    kilter.process.wait()
    kilter._log.close()


def started(upstream_url, directory, listen=None):
    flags = ("--listen", listen) if listen else ()
    return RunningKilter(upstream_url, directory, *flags, env=environment(directory))


@pytest.mark.timeout(240)
async def test_a_kilter_that_is_killed_says_the_same_as_one_that_is_not(tmp_path):
    requests = counted(HOUSE, 1)
    for name in ("killed", "whole"):
        with_key(tmp_path / name / "state")
    async with ScriptedUpstream(Script(seed=7, phases=(USUAL.phase,))) as upstream:
        listen = f"127.0.0.1:{free_port()}"
        behind = started(upstream.url, tmp_path / "killed", listen).__enter__()
        try:
            with started(behind.url, tmp_path / "whole") as whole:
                await traffic(whole.url, requests, 3)
                await settled(whole, behind)
                killed(behind)
                behind = started(upstream.url, tmp_path / "killed", listen).__enter__()
                await settled(whole, behind)
                ours, theirs = await at_the_same_tick(whole, behind)
                assert ours == theirs
                assert ours[CELL]["n_current"] > 10

                upstream.script = upstream.script.with_phase(
                    replace(STORIES[0].phase, from_exchange=upstream.exchanges)
                )
                await traffic(whole.url, requests, 1)
                os.kill(behind.pids("sidecar.monitor")[0], signal.SIGKILL)
                await traffic(whole.url, requests, 6)
                await settled(whole, behind)
                ours, theirs = await at_the_same_tick(whole, behind)
                assert {series: said(one) for series, one in ours.items()} == {
                    series: said(one) for series, one in theirs.items()
                }
                assert {series for series, one in ours.items() if one["state"] == "out_of_control"} == {CELL}
                lost = [
                    kilter.metrics().total("kilter_invalid_ticks_total", reason="restart") for kilter in (whole, behind)
                ]
                assert lost[0] == 0
                assert lost[1] >= 1
        finally:
            behind.__exit__()
