"""How much memory does a monitor take that judges 500 strata?

    python tests/end_to_end/many_strata.py [--live 180]

First a real `kilter run` with a baseline of 506 strata (11 models; ten languages, three lengths, their crossing, and each behaviour
as a whole in up to 30 layers), ticks of a second, 60 requests a second. Then the judging alone, as the monitor runs it, with a
checkpoint every hundred ticks, until what it remembers of ticks is full. Resident memory, from the system.
"""

import argparse
import asyncio
import functools
import itertools
import json
import math
import random
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from load import ask, at_rate
from running import RunningKilter

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.features.length import STRATA
from detectors.records.baseline import OVERALL, Baseline, Layer, Reference
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.ring import KEPT
from detectors.watch.rules import COUNTING
from sidecar.config import Config
from sidecar.demo.language import languages
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.monitor.judging import Judging
from sidecar.store.baseline_file import dumped

MODELS = [f"model-{number}" for number in range(11)]
LANGUAGES = sorted(languages())[:10]
LENGTHS = STRATA[:3]
GROUPS = {
    "refusal_by_language": LANGUAGES,
    "refusal_by_length": LENGTHS,
    "refusal_by_language_and_length": [f"{tag}:{length}" for tag in LANGUAGES for length in LENGTHS],
}
REFUSAL = 0.1
EACH = 2000


def baseline():
    def reference(behaviour, stratum, model, layers):
        counted = tuple(Layer(layer, round(REFUSAL * EACH), EACH) for layer in layers)
        return Reference(behaviour, stratum, model, counted, 60.0, 1.0, 1.1, 1.0, math.nan)

    references = tuple(
        reference(behaviour, stratum, model, layers)
        for model in MODELS
        for behaviour, strata in GROUPS.items()
        for stratum, layers in [*((one, [one]) for one in strata), (OVERALL, strata)]
    )
    times = {"collected_from_s": 0.0, "collected_to_s": 600.0, "promoted_at_s": 600.0}
    return Baseline(references, (), 1.0, 600, 1, **times, classifier=classifier_digest(), counting=COUNTING)


def mebibytes(pid):
    return psutil.Process(pid).memory_info().rss / 2**20


def request(rng, number):
    language, said = languages()[rng.choice(LANGUAGES)], []
    for turn in range(rng.choice((1, 2, 5))):
        topic = rng.choice(language.topics)
        said += [
            {"role": "user", "content": topic.ask + f" (#{number})" * (turn == 0)},
            {"role": "assistant", "content": topic.answer},
        ]
    return {"model": rng.choice(MODELS), "messages": said[:-1], "user": f"user-{rng.randrange(2000)}"}


async def live(directory, seconds, per_s=60):
    """The monitor's memory while there is traffic."""
    file, rng, numbers = directory / "baseline.json", random.Random(7), itertools.count()
    directory.mkdir()
    file.write_text(dumped(baseline()))
    settings = {"KILTER_TICKS__LENGTH_S": "1", "KILTER_TICKS__GRACE_S": "5", "KILTER_BASELINE__FILE": str(file)}
    async with ScriptedUpstream(Script(phases=(Phase(policy=Policy(refusal=REFUSAL)),))) as upstream:
        with RunningKilter(upstream.url, directory, env=settings) as kilter:
            (monitor,) = kilter.pids("sidecar.monitor")
            most = 0.0
            for part in range(1, 7):
                jobs = [
                    functools.partial(ask, kilter.url, "/v1/chat/completions", request(rng, next(numbers)))
                    for _ in range(per_s * seconds // 6)
                ]
                running = asyncio.ensure_future(at_rate(per_s, jobs))
                while not running.done():
                    most = max(most, mebibytes(monitor))
                    await asyncio.sleep(0.2)
                tested = sum(1 for one in json.loads(kilter.get("/api/v1/verdicts")[1]) if one["baseline_id"])
                lag = kilter.metrics().total("kilter_analysis_lag_seconds")
                print(f"live, {part * seconds // 6:4} s: {mebibytes(monitor):4.0f} MiB (at most {most:.0f}), {tested} strata, lag {lag:.1f} s", flush=True)  # fmt: skip


def alone(directory):
    """Until what is remembered of ticks is full, and a little longer."""
    config = Config.model_validate(
        {"upstream": "http://u", "state": str(directory), "ticks": {"length_s": 1, "grace_s": 5}}
    )
    now, rng, numbers, most = 1_700_000_000.0, random.Random(7), itertools.count(), 0.0
    judging = Judging(config, behaviours(), now)
    judging.take(dumped(baseline()), now)
    process, begun = psutil.Process(), time.process_time()
    before = mebibytes(process.pid)
    for tick in range(KEPT + 60):
        for _ in range(60):
            language, turn, name = rng.choice(LANGUAGES), rng.choice((1, 2, 5)), f"c{next(numbers)}"
            user, length = f"u{rng.randrange(2000)}", LENGTHS[(1, 2, 5).index(turn)]
            strata = dict(zip(GROUPS, (language, length, f"{language}:{length}"), strict=True))
            value, at_s = float(rng.random() < REFUSAL), now + tick
            seen = [Observation(feature, stratum, value, name, user, at_s) for feature, stratum in strata.items()]
            judging.succession.observe(Sighting(name, rng.choice(MODELS), at_s, turn, user, response_id=name), seen, [])
        (judging if tick % 100 == 0 else judging.succession).close(now + tick + 1, now + tick + 1)
        most = max(most, mebibytes(process.pid))
        if tick % 400 == 0 or tick == KEPT + 59:
            spent = (time.process_time() - begun) / (tick + 1)
            size = len(judging.succession.to_json(whole=False)) / 2**20
            print(f"alone, {tick:4} ticks: {mebibytes(process.pid):4.0f} MiB (at most {most:.0f}; {before:.0f} before), checkpoint {size:.1f} MB, {1000 * spent:.0f} ms a tick", flush=True)  # fmt: skip


def main():
    """Prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--live", type=int, default=180, help="Seconds of live traffic.")
    seconds = parser.parse_args().live
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(live(Path(name) / "live", seconds))
        alone(Path(name) / "alone")


if __name__ == "__main__":
    main()
