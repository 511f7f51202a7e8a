"""A model changes behind a running Kilter: the alarm comes where it changed, and nowhere else.

Ticks of a second, a floor of 10 points, a budget period of half an hour. 1000 users; English, German and Turkish; one
turn, or six. Seed 7.
"""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from load import ask, chat
from running import RunningKilter

from sidecar.demo.language import languages
from sidecar.demo.script import Phase, Policy, Rule, Script
from sidecar.demo.upstream import ScriptedUpstream

SECOND_TICKS = {
    "KILTER_TICKS__LENGTH_S": "1",
    "KILTER_TICKS__GRACE_S": "5",
    "KILTER_VERDICTS__FLOOR": "0.1",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.02",
    "KILTER_BASELINE__LEARN_DAYS": "1",
    "KILTER_BASELINE__LEARN_TRIALS": "200",
}
USUAL = Policy(refusal=0.1)
TURKISH_MIDDLE = Phase(policy=USUAL, rules=(Rule(Policy(refusal=0.95), languages=("tr",), turns=(4, 7)),))
WAVE, PER_S = 16, 200.0


def kilter_command(kilter, *argv):
    reach = ("--admin", kilter.admin.removeprefix("http://"))
    state = ("--state", str(kilter.state)) if argv[1] in ("promote", "learn", "import") else ()
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *argv, *reach, *state],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def request(rng, number, long_share):
    tag = rng.choices(["en", "de", "tr"], [34, 33, 33])[0]
    language = languages()[tag]
    said = []
    for turn in range(6 if rng.random() < long_share else 1):
        topic = rng.choice(language.topics)
        said += [{"role": "user", "content": topic.ask}, {"role": "assistant", "content": topic.answer}]
        if turn == 0:
            said[0]["content"] += f" (#{number})"
    return chat(messages=said[:-1], user=f"user-{rng.randrange(1000)}")


async def traffic(url, seed, count, long_share=0.85):
    rng, begun = random.Random(seed), time.monotonic()
    for first in range(0, count, WAVE):
        requests = [request(rng, f"{seed}-{first + number}", long_share) for number in range(WAVE)]
        answers = await asyncio.gather(*(ask(url, *one) for one in requests))
        assert all(answer.status == 200 for answer in answers)
        await asyncio.sleep(begun + (first + WAVE) / PER_S - time.monotonic())


def alarms(kilter):
    return [
        (one["verdict"]["behaviour"], one["verdict"]["stratum"]) for one in json.loads(kilter.get("/api/v1/alarms")[1])
    ]


async def settled(kilter):
    """Whatever was sent is judged: the ticks of now have closed."""
    now = time.time()
    await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_judged_until_timestamp_seconds") > now, 60)


@pytest.mark.timeout(240)
async def test_a_model_that_changes_in_one_place_is_found_there_though_the_monitor_is_killed_meanwhile(tmp_path):
    async with ScriptedUpstream(Script(seed=7, phases=(Phase(policy=USUAL),))) as upstream:
        with RunningKilter(upstream.url, tmp_path, env=SECOND_TICKS) as kilter:
            await traffic(kilter.url, 1, 1440)
            await settled(kilter)
            code, said = await asyncio.to_thread(kilter_command, kilter, "baseline", "promote")
            assert code == 0, said
            quiet = json.loads(kilter.get("/api/v1/baselines")[1])
            assert quiet["state"] == "in_use"

            await traffic(kilter.url, 2, 320)
            await settled(kilter)
            assert alarms(kilter) == []

            upstream.begin_phase({"policy": {"refusal": 0.1}, "rules": [_plain(TURKISH_MIDDLE.rules[0])]})
            await traffic(kilter.url, 3, 240)
            os.kill(kilter.pids("sidecar.monitor")[0], signal.SIGKILL)
            await traffic(kilter.url, 4, 80)
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_monitor_up") == 1)
            await traffic(kilter.url, 5, 960)
            await settled(kilter)

            found = alarms(kilter)
            assert ("refusal_by_language", "tr") in found, _shown(kilter)
            moved = {("refusal_by_length", "4-7"), ("refusal_by_language", "tr")}
            everything = {
                ("refusal_by_app", "none"),
                ("refusal_by_tool_state", "no_tools"),
                ("refusal_by_tool_sequence", "none"),
            }
            wholes = {(behaviour, "overall") for behaviour, _ in found}
            assert set(found) <= moved | everything | wholes
            metrics = kilter.metrics()
            assert metrics.total("kilter_invalid_ticks_total", reason="restart") >= 1
            where = {"behaviour": "refusal_by_language", "stratum": "tr"}
            assert metrics.total("kilter_state", **where, state="out_of_control") == 1
            assert metrics.total("kilter_alarms_total", behaviour="refusal_by_language") >= 1
            assert json.loads(kilter.get("/api/v1/baselines")[1])["in_use"] == quiet["in_use"]
            page = kilter.get("/")[1]
            assert "out of control" in page
            alarm = next(a for a in json.loads(kilter.get("/api/v1/alarms")[1]) if a["verdict"]["stratum"] == "tr")
            assert "refusal by language, tr: " in alarm["verdict"]["explanation"]
            assert alarm["examples"]
            assert alarm["examples"][0]["response_id"].startswith("chatcmpl-")


def _plain(rule):
    return {"policy": {"refusal": rule.policy.refusal}, "languages": list(rule.languages), "turns": list(rule.turns)}


def _shown(kilter):
    return "\n".join(one["state"] + " " + one["explanation"] for one in json.loads(kilter.get("/api/v1/verdicts")[1]))
