"""A model changes behind a running Kilter: the alarm comes where it changed, and nowhere else.

Ticks of a second, a floor of 25 points, a budget period of half an hour. 600 users; English, German and Turkish; one, three or
six turns, of which those are sent at which a conversation counts (``tests/support/stories.py``). 1,600 requests are learned
(seed 1), 300 are as before (seed 2), then Turkish is refused at turns 4 to 7: 85 % instead of 14 %, in 1,200 (seeds 3 to 5).
"""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace

import pytest
from load import ask
from running import RunningKilter
from stories import STORIES, USUAL, counted, with_key

from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream

SECOND_TICKS = {
    "KILTER_TICKS__LENGTH_S": "1",
    "KILTER_TICKS__GRACE_S": "5",
    "KILTER_VERDICTS__FLOOR": "0.25",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.02",
    "KILTER_BASELINE__LEARN_DAYS": "1",
    "KILTER_BASELINE__LEARN_TRIALS": "200",
    "KILTER_IDENTITY__CONVERSATION_HEADER": "x-conversation",
}
HOUSE = replace(USUAL, chains={(): 1}, spoken={"en": 40, "de": 30, "tr": 30}, turns={1: 30, 3: 10, 6: 60})
TURKISH = STORIES[0]
WAVE, PER_S = 16, 200.0


def kilter_command(kilter, *argv):
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *argv, "--admin", kilter.admin.removeprefix("http://")],
        env=kilter.env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def traffic(url, seed, count):
    requests, begun = itertools.islice(counted(HOUSE, seed), count), time.monotonic()
    for number in itertools.count(1):
        wave = list(itertools.islice(requests, WAVE))
        if not wave:
            return
        sent = [ask(url, "/v1/chat/completions", body, [("X-Conversation", name)]) for _, name, _, body in wave]
        assert all(answer.status == 200 for answer in await asyncio.gather(*sent))
        await asyncio.sleep(begun + number * WAVE / PER_S - time.monotonic())


def told(kilter, path):
    return json.loads(kilter.get(path)[1])


def alarms(kilter):
    return {(one["verdict"]["behaviour"], one["verdict"]["stratum"]) for one in told(kilter, "/api/v1/alarms")}


async def settled(kilter):
    """Whatever was sent is judged: the ticks of now have closed."""
    now = time.time()
    await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_judged_until_timestamp_seconds") > now, 60)


def acknowledge(kilter, alarm_id, token):
    request = urllib.request.Request(
        f"{kilter.admin}/api/v1/alarms/{alarm_id}/ack",
        json.dumps({"by": "Ada", "control": "Turkish goes to the model of last week"}).encode(),
        {"Authorization": f"Bearer {token}"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.timeout(240)
async def test_a_model_that_changes_in_one_place_is_found_there_though_the_monitor_is_killed_meanwhile(tmp_path):
    async with ScriptedUpstream(Script(seed=7, phases=(USUAL.phase,))) as upstream:
        with_key(tmp_path / "state")
        with RunningKilter(upstream.url, tmp_path, env=SECOND_TICKS) as kilter:
            await traffic(kilter.url, 1, 1600)
            await settled(kilter)
            code, said = await asyncio.to_thread(kilter_command, kilter, "baseline", "promote")
            assert code == 0, said
            quiet = told(kilter, "/api/v1/baselines")
            assert quiet["state"] == "in_use"

            await traffic(kilter.url, 2, 300)
            await settled(kilter)
            assert alarms(kilter) == set()

            upstream.script = upstream.script.with_phase(replace(TURKISH.phase, from_exchange=upstream.exchanges))
            await traffic(kilter.url, 3, 240)
            os.kill(kilter.pids("sidecar.monitor")[0], signal.SIGKILL)
            await traffic(kilter.url, 4, 80)
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_monitor_up") == 1)
            await traffic(kilter.url, 5, 880)
            await settled(kilter)

            assert alarms(kilter) == TURKISH.alarms, _shown(kilter)
            metrics = kilter.metrics()
            assert metrics.total("kilter_invalid_ticks_total", reason="restart") >= 1
            where = {"behaviour": "refusal_by_language_and_length", "stratum": "tr:4-7"}
            assert metrics.total("kilter_state", **where, state="out_of_control") == 1
            assert metrics.total("kilter_state", state="out_of_control") == 1
            assert (
                metrics.total("kilter_alarms_total")
                == metrics.total("kilter_alarms_total", behaviour=where["behaviour"])
                == 1
            )
            assert told(kilter, "/api/v1/baselines")["in_use"] == quiet["in_use"]
            assert "out of control" in kilter.get("/")[1]
            (alarm,) = told(kilter, "/api/v1/alarms")
            assert "refusal by language and length, tr:4-7: " in alarm["verdict"]["explanation"]
            assert alarm["examples"][0]["response_id"].startswith("chatcmpl-")
            _is_acknowledged_by_whoever_has_the_token(kilter, alarm["id"], where)


def _is_acknowledged_by_whoever_has_the_token(kilter, alarm_id, where):
    token = (kilter.state / "admin_token").read_text().strip()
    assert kilter.metrics()[_acknowledged(where)] == 0
    assert acknowledge(kilter, alarm_id, "00" * 32) == 401
    assert acknowledge(kilter, "absent", token) == 404
    assert kilter.metrics()[_acknowledged(where)] == 0
    assert acknowledge(kilter, alarm_id, token) == 200
    metrics = kilter.metrics()
    assert metrics[_acknowledged(where)] == 1
    assert metrics.total("kilter_state", **where, state="out_of_control") == 1
    for alarm in (told(kilter, "/api/v1/alarms")[0], told(kilter, "/api/v1/status")["alarms"][0]):
        assert (alarm["acknowledged"]["by"], alarm["verdict"]["state"]) == ("Ada", "out_of_control")
    assert "by Ada: Turkish goes to the model of last week" in kilter.get("/")[1]
    assert "out of control, acknowledged" in kilter_command(kilter, "status")[1]
    (segment,) = (kilter.state / "evidence").glob("*.jsonl")
    kept = [line for line in segment.read_text().splitlines() if '"kind":"acknowledgement"' in line]
    assert len(kept) == 1
    assert alarm_id in kept[0]
    assert "Ada" not in kept[0]


def _acknowledged(where):
    return "kilter_alarm_acknowledged", tuple(sorted({**where, "model": "scripted"}.items()))


def _shown(kilter):
    return "\n".join(one["state"] + " " + one["explanation"] for one in told(kilter, "/api/v1/verdicts"))
