"""An upgrade of the classifier in the middle: nothing alarms, though the new one sees other refusals.

The new version is a copy of this one without its Turkish lexicon, so that it sees no refusal in Turkish, and with the
classifier of this one kept, as a release does. Judged by the new labels the Turkish rate would fall from 14 % to 0, and it
would be found within some hundred conversations (the last part of the test shows that). Seeds 1 to 3, 450 requests each, ticks
of a second, a floor of 5 points.
"""

import asyncio
import itertools
import json
import os
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
from load import ask
from running import RunningKilter
from stories import USUAL, baseline, counted, with_key

from detectors.features.calibration import classifier_digest
from detectors.features.classifier import document
from sidecar.demo.script import Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.store.baseline_file import dumped

ROOT = Path(__file__).parents[2]
LEARNED = {("refusal_by_language", "en"): 0.05, ("refusal_by_language", "tr"): 0.14}
HOUSE = replace(USUAL, chains={(): 1}, spoken={"en": 40, "tr": 60}, turns={1: 1})
SETTINGS = {
    "KILTER_TICKS__LENGTH_S": "1",
    "KILTER_TICKS__GRACE_S": "5",
    "KILTER_VERDICTS__FLOOR": "0.05",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.02",
    "KILTER_IDENTITY__CONVERSATION_HEADER": "x-conversation",
}


def next_version(directory):
    """Variables by which a process runs the version after this one."""
    for package in ("detectors", "sidecar"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    features = directory / "detectors" / "features"
    (features / "languages" / "tr.py").unlink()
    (features / "classifiers" / f"{classifier_digest()}.json").write_text(document(), "utf-8")
    return {"PYTHONPATH": str(directory), "PYTHONSAFEPATH": "1"}


async def traffic(kilter, seed, count=450):
    """Judged when this ends."""
    requests = itertools.islice(counted(HOUSE, seed), count)
    while wave := list(itertools.islice(requests, 15)):
        sent = [ask(kilter.url, "/v1/chat/completions", body, [("X-Conversation", name)]) for _, name, _, body in wave]
        assert all(answer.status == 200 for answer in await asyncio.gather(*sent))
        await asyncio.sleep(0.1)
    now = time.time()
    await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_judged_until_timestamp_seconds") > now, 60)


def told(kilter, what):
    return json.loads(kilter.get(f"/api/v1/{what}")[1])


def turkish(kilter):
    return next(
        one for one in told(kilter, "verdicts") if (one["behaviour"], one["stratum"]) == ("refusal_by_language", "tr")
    )


@pytest.mark.slow
@pytest.mark.timeout(240)
async def test_an_upgrade_of_the_classifier_raises_no_alarm_and_the_earlier_one_judges_on(tmp_path):
    file = tmp_path / "baseline.json"
    file.write_text(dumped(baseline(LEARNED, 1)))
    newer = next_version(tmp_path / "next")
    with_key(tmp_path / "state")
    async with ScriptedUpstream(Script(seed=7, phases=(USUAL.phase,))) as upstream:
        with RunningKilter(upstream.url, tmp_path, env={**SETTINGS, "KILTER_BASELINE__FILE": str(file)}) as kilter:
            await traffic(kilter, 1)
            before = turkish(kilter)
            assert told(kilter, "alarms") == []
            os.kill(kilter.process.pid, signal.SIGKILL)
            kilter.process.wait()
        with RunningKilter(upstream.url, tmp_path, env={**SETTINGS, **newer}) as kilter:
            described = told(kilter, "baselines")
            assert described["state"] == "learning_next"
            assert described["classifier"] != classifier_digest()
            await traffic(kilter, 2)
            after = turkish(kilter)
            assert told(kilter, "alarms") == []
            assert after["state"] in ("in_control", "watch")
            assert after["baseline_id"] == before["baseline_id"]
            assert after["n_current"] > before["n_current"] + 150
            assert 0.07 < after["estimate"] < 0.21
            assert told(kilter, "status")["labels"]["scripted"]["refusal"] < 40  # by its own labels: English ones only
        # By that baseline the new labels would be an alarm, were they taken for those of one classifier:
        wrong = replace(baseline(LEARNED, 1), classifier=described["classifier"])
        file.write_text(dumped(wrong))
        with RunningKilter(
            upstream.url, tmp_path / "wrong", env={**SETTINGS, **newer, "KILTER_BASELINE__FILE": str(file)}
        ) as kilter:
            await traffic(kilter, 3)
            assert turkish(kilter)["state"] == "out_of_control"
