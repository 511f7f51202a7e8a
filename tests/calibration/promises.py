"""Drifts that the whole judgement (unit rules, ticks, scan, confirmation) must find in the time that is promised.

``python tests/calibration/promises.py --seeds 100`` prints, for each behaviour, the promise and how often it was kept.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from detectors.catalog import behaviours
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.analysis import Analysis
from detectors.watch.promise import promise, strata_of
from detectors.watch.rules import Rules

RULES = Rules(tick_s=600.0, grace_s=0.0)
DAYS = 14
DAY_S = 86400.0
USERS = 2000
CLASSIFIER = "scripted"


@dataclass(frozen=True)
class Case:
    """``usual`` and ``drifted`` map (stratum seen, value) to its chance; ``watched`` is the stratum that moves."""

    behaviour: str
    watched: str
    per_day: int
    usual: dict[tuple[str, float], float]
    drifted: dict[tuple[str, float], float]
    shift: float


def strata(rates):
    """Chances of a behaviour whose strata come equally often, each with its own rate."""
    share = 1 / len(rates)
    return {
        (stratum, value): share * (rate if value else 1 - rate)
        for stratum, rate in rates.items()
        for value in (0.0, 1.0)
    }


CASES = (
    Case(
        "refusal_by_language",
        "tr",
        1200,
        strata({"en": 0.05, "tr": 0.08, "de": 0.06}),
        strata({"en": 0.05, "tr": 0.18, "de": 0.06}),
        0.10,
    ),
    Case(
        "tool_transition",
        "search>send_email",
        400,
        {("search>read_page", 1.0): 0.9, ("search>send_email", 1.0): 0.1},
        {("search>read_page", 1.0): 0.78, ("search>send_email", 1.0): 0.22},
        0.12,
    ),
    Case("hollow_refusal", "1", 300, strata({"1": 0.2}), strata({"1": 0.08}), -0.12),
)


class Traffic:
    """Observations of a case, a conversation each, at random times of a steady pace."""

    def __init__(self, case, seed):
        self.case, self._rng, self._number = case, np.random.default_rng(seed), 0

    def feed(self, analysis, from_s, to_s, chances):
        """Verdicts that changed while the time passed."""
        kinds, weights = list(chances), list(chances.values())
        at_s = from_s
        while (at_s := at_s + self._rng.exponential(DAY_S / self.case.per_day)) < to_s:
            stratum, value = kinds[self._rng.choice(len(kinds), p=weights)]
            self._number += 1
            conversation, user = f"c{self._number}", f"u{self._rng.integers(USERS)}"
            seen = Observation(self.case.behaviour, stratum, value, conversation, user, at_s)
            analysis.observe(Sighting(conversation, "m", at_s, turn=1, user=user), [seen])
            yield from analysis.close(at_s)


def learned(case, seed):
    """The baseline of two weeks."""
    analysis = new(case)
    for _ in Traffic(case, seed).feed(analysis, 0.0, DAYS * DAY_S, case.usual):
        pass
    return analysis.promote(DAYS * DAY_S)


def new(case):
    return Analysis([one for one in behaviours() if one.name == case.behaviour], RULES, CLASSIFIER)


def promised_s(case, baseline, runs=200):
    """Seconds within which the drift is promised to be found: as ``kilter power`` says it."""
    asked = next(one for one in strata_of(baseline, RULES) if one.stratum == case.watched)
    said = promise(asked, case.shift, RULES, runs)
    assert said.promised_s is not None, said
    return said.promised_s


def keeps(case, baseline, promise_s, seed):
    """Whether the drift that begins within the first day is found in time, in one stream."""
    analysis, traffic = new(case), Traffic(case, seed)
    analysis.use(baseline)
    change_s = float(np.random.default_rng(seed).uniform(0.2, 1.0) * DAY_S)
    for _ in traffic.feed(analysis, 0.0, change_s, case.usual):
        pass
    # A tick closes when it is over, so a verdict about the last moment comes a tick later.
    deadline_s = change_s + promise_s + 2 * RULES.tick_s
    found = traffic.feed(analysis, change_s, deadline_s, case.drifted)
    return any(verdict.stratum == case.watched and verdict.state == "out_of_control" for verdict in found)


def kept(case, seeds, each=10):
    """(median of the promised seconds, in how many of ``seeds`` streams they were kept); a baseline for ``each`` of them."""
    promises, times = [], 0
    for first in range(0, seeds, each):
        baseline = learned(case, seed=1000 + first)
        promises.append(promised_s(case, baseline))
        times += sum(keeps(case, baseline, promises[-1], seed) for seed in range(first, min(first + each, seeds)))
    return float(np.median(promises)), times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=100)
    seeds = parser.parse_args().seeds
    sys.stdout.write("| behaviour | shift | promised | kept |\n|---|---|---|---|\n")
    for case in CASES:
        promise_s, times = kept(case, seeds)
        sys.stdout.write(
            f"| {case.behaviour} ({case.watched}) | {100 * case.shift:+.0f} points | {promise_s / DAY_S:.1f} days "
            f"| {times} of {seeds} |\n"
        )


if __name__ == "__main__":
    main()
