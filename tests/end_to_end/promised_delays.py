"""What ``kilter power`` promises, ``kilter replay`` keeps: drifts of three behaviours, found within the promised time?

    python tests/end_to_end/promised_delays.py [--seeds 100]

For each behaviour, and for every twenty seeds anew, a baseline is learned from a log of three days (``--learn-until``,
``--save-baseline``) and the promise made from it. Then each seed is a log of its own in which the drift begins some time within the
first third of a day; it is read by ``kilter replay --baseline`` up to the end of the promised time. 1,500 conversations of a
turn a day, ticks of ten minutes, the built-in thresholds and budget. Prints how many of the promises were kept.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from click.testing import CliRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from scripted import ScriptedModel
from stories import A_DAY, BEGIN_S, DAY_S, USUAL, Story, counted

from detectors.watch.promise import promise, strata_of
from detectors.watch.rules import Rules
from sidecar.cli import main as kilter
from sidecar.demo.script import Phase, Policy, Rule, Script
from sidecar.store.baseline_file import parsed

LEARNED_DAYS, EACH, RUNS = 3, 20, 200
RULES = Rules(tick_s=600.0)
CONFIG = "ticks: {length_s: 600}\n"
ONE_TURN = replace(USUAL, turns={1: 1}, chains={(): 1})


@dataclass(frozen=True)
class Case:
    """Traffic, the model before and after, and where that must be found."""

    behaviour: str
    stratum: str
    shift: float
    traffic: Story
    usual: Phase
    drifted: Phase


CASES = (
    Case(
        "refusal_by_language",
        "tr",
        0.20,
        replace(ONE_TURN, spoken={"en": 35, "de": 25, "tr": 40}),
        Phase(policy=Policy(refusal=0.1)),
        Phase(policy=Policy(refusal=0.1), rules=(Rule(Policy(refusal=0.3), languages=("tr",)),)),
    ),
    Case(
        "refusal_by_tool_sequence",
        "search>send_email",
        0.20,
        replace(ONE_TURN, spoken={"en": 1}, chains={(): 20, ("search", "read"): 40, ("search", "send_email"): 40}),
        Phase(policy=Policy(refusal=0.1)),
        Phase(policy=Policy(refusal=0.1), rules=(Rule(Policy(refusal=0.3), tools=("send_email",)),)),
    ),
    Case(
        "hollow_refusal",
        "1",
        0.20,
        replace(ONE_TURN, spoken={"en": 1}),
        Phase(policy=Policy(refusal=0.45, hollow_refusal=0.05)),
        Phase(policy=Policy(refusal=0.35, hollow_refusal=0.15)),
    ),
)


def written(file, case, seed, days, begin_s, change_day=None):
    """A log; every conversation is one exchange."""
    phases = [case.usual]
    if change_day is not None:
        phases.append(replace(case.drifted, from_exchange=round(change_day * A_DAY)))
    model = ScriptedModel(Script(seed=seed, phases=tuple(phases)))
    with file.open("w", encoding="utf-8") as log:
        for number, name, app, body in counted(case.traffic, seed):
            if number > days * A_DAY:
                return
            answer = json.loads(model.capture(body, "").response_body)
            told = {
                "timestamp": begin_s + number * DAY_S / A_DAY,
                "user": body["user"],
                "conversation": name,
                "app": app,
            }
            log.write(json.dumps({**told, "request": body, "response": answer}) + "\n")


def replayed(directory, file, *flags):
    arguments = ["replay", str(file), "--config", str(directory / "kilter.yaml"), "--json", *flags]
    done = CliRunner().invoke(kilter, arguments)
    assert done.exit_code in (0, 1), done.output
    return json.loads(done.stdout.splitlines()[-1])["summary"]


def promised_s(file, case):
    """As ``kilter power FILE --shift`` says it."""
    asked = next(
        one
        for one in strata_of(parsed(file.read_text()), RULES)
        if (one.behaviour, one.stratum) == (case.behaviour, case.stratum)
    )
    said = promise(asked, case.shift, RULES, RUNS)
    assert said.promised_s is not None, said
    return said.promised_s


def keeps(directory, baseline, case, seed, promise_s):
    """Whether the drift is found in time. A tick closes when it is over, so what is said of it comes a tick later."""
    change = random.Random(seed).uniform(0.05, 0.35)
    log = directory / "seed.jsonl"
    written(log, case, seed, change + (promise_s + 2 * RULES.tick_s) / DAY_S, BEGIN_S + 5 * DAY_S, change)
    found = replayed(directory, log, "--baseline", str(baseline))["alarms"]
    change_s = BEGIN_S + (5 + change) * DAY_S
    return any(
        (one["verdict"]["behaviour"], one["verdict"]["stratum"]) == (case.behaviour, case.stratum)
        and change_s < one["verdict"]["at_s"] <= change_s + promise_s + 2 * RULES.tick_s
        for one in found
    )


def kept(directory, case, seeds):
    """(promises in seconds, how many seeds kept them)."""
    promises, times = [], 0
    for first in range(0, seeds, EACH):
        log, baseline = directory / "learned.jsonl", directory / "baseline.json"
        written(log, case, 10_000 + first, LEARNED_DAYS + 0.02, BEGIN_S)
        replayed(directory, log, "--learn-until", f"{LEARNED_DAYS}d", "--save-baseline", str(baseline))
        promises.append(promised_s(baseline, case))
        times += sum(
            keeps(directory, baseline, case, seed, promises[-1]) for seed in range(first, min(first + EACH, seeds))
        )
    return promises, times


def main():
    """Prints a row a behaviour."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    print("| drift | promised | kept |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "kilter.yaml").write_text(CONFIG)
        for case in CASES:
            promises, times = kept(directory, case, seeds)
            hours = statistics.median(promises) / 3600
            print(
                f"| {case.behaviour}, {case.stratum}, {100 * case.shift:+.0f} points | {hours:.1f} hours | {times} of {seeds} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
