"""What is promised of each stratum: whether a shift would be found, and within what time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectors.records.baseline import Baseline
from detectors.stats.power import LEAST_STEP, smallest_shift
from detectors.watch.delay import NEVER, RUNS, Found, Stream, found_within
from detectors.watch.rules import Rules

DAY_S = 86400.0
_SEED = 1

Says = Literal["found", "uncertain", "undetectable", "within_floor", "too_few_users", "no_such_rate"]
"""``found``: 39 of 40 drifts are, within a budget period. ``uncertain``: more than half. ``within_floor``: too small to
matter by the rules. ``no_such_rate``: the shift leaves [0, 1], or is none.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A stratum, whose ``stream`` is its baseline and its pace. ``users``: effective number, None where not known."""

    behaviour: str
    stratum: str
    model: str
    stream: Stream
    users: float | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """``shift`` is a difference of rates. Half of all drifts are found within ``median_s`` seconds, 39 of 40 within
    ``promised_s``; both also as counted trials at this pace. None where nothing is promised.
    """

    behaviour: str
    stratum: str
    model: str
    rate: float
    baseline_trials: int
    trials_per_day: float
    shift: float
    says: Says
    median_trials: float | None
    median_s: float | None
    promised_trials: float | None
    promised_s: float | None


def strata_of(baseline: Baseline, rules: Rules, traffic: float = 1.0) -> list[Asked]:
    """Every stratum that ``baseline`` tests, at ``traffic`` > 0 times its own pace."""
    ticks = baseline.ticks * baseline.tick_s / rules.tick_s
    weights = sum(one.weight for one in baseline.references)
    return [
        Asked(
            one.behaviour,
            one.stratum,
            one.model,
            Stream(
                one.events,
                one.trials,
                traffic * one.trials / ticks,
                rules.false_alarm_budget * one.weight / weights,
                one.odds_margin,
            ),
            one.users,
        )
        for one in baseline.references
    ]


def promise(asked: Asked, shift: float, rules: Rules, runs: int = RUNS) -> Promise:
    """The same every time: the streams are drawn from one seed."""
    stream = asked.stream
    says, found = _says(asked, shift, rules, runs)
    per_second = stream.trials_per_tick / rules.tick_s
    return Promise(
        behaviour=asked.behaviour,
        stratum=asked.stratum,
        model=asked.model,
        rate=stream.rate,
        baseline_trials=stream.trials,
        trials_per_day=DAY_S * per_second,
        shift=shift,
        says=says,
        median_trials=_finite(found.median),
        median_s=_finite(found.median / per_second),
        promised_trials=_finite(found.promised),
        promised_s=_finite(found.promised / per_second),
    )


def least_shift(asked: Asked, within_s: float, rules: Rules) -> float:
    """The least rise of the rate, a difference in (0, 1), that typically is an alarm within ``within_s`` > 0 seconds at this pace
    and is large enough to matter; nan where none is. A typical delay is half of all drifts', and costs no simulation.
    """
    stream = asked.stream
    if asked.users is not None and asked.users < rules.least_users:
        return math.nan
    shift = smallest_shift(stream.scan(rules), within_s * stream.trials_per_tick / rules.tick_s)
    # A confirmation wants the interval clear of the floor, so a shift of just the floor never is one.
    return shift if math.isnan(shift) else max(shift, rules.floor_at(stream.rate) + LEAST_STEP)


def _says(asked: Asked, shift: float, rules: Rules, runs: int) -> tuple[Says, Found]:
    stream = asked.stream
    if shift == 0 or not 0 <= stream.rate + shift <= 1:
        return "no_such_rate", NEVER
    if abs(shift) <= rules.floor_at(stream.rate):
        return "within_floor", NEVER
    if asked.users is not None and asked.users < rules.least_users:
        return "too_few_users", NEVER
    found = found_within(stream, shift, rules, np.random.default_rng(_SEED), runs)
    if math.isfinite(found.promised):
        return "found", found
    return ("uncertain" if math.isfinite(found.median) else "undetectable"), found


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
