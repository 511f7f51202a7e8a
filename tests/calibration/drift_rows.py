"""What every experiment of this folder is made of: rows, medians, first alarms, and what is compared.

A row's ``error`` is one standard error of the measured figure; ``target`` is the bound it must respect, None where
it is only reported (peers).
"""

from dataclasses import dataclass

import numpy as np

from detectors.stats.exact_scan import ExactScan
from detectors.stats.spending import EVEN, FAVOURING

ALPHA = 0.01
TICKS, PER_TICK = 2000, 50
OBSERVATIONS = TICKS * PER_TICK
GLR = "GLR, two-sample, calibrated at the true rate"

SCANS = {"exact scan, even": {"spending": EVEN}, "exact scan": {"spending": FAVOURING}}
"""The second is what Kilter runs with, and what the experiments measure that name no spending."""


@dataclass(frozen=True)
class Row:
    experiment: str
    method: str
    what: str
    measured: float
    error: float = 0.0
    target: float | None = None
    unit: str = ""
    at_least: bool = False

    @property
    def kept(self):
        """Within the target; a share may be beyond it by two standard errors, its own resolution."""
        slack = 0.0 if self.unit else 2 * self.error
        if self.target is None:
            return True
        return self.measured + slack >= self.target if self.at_least else self.measured - slack <= self.target


def share(hits, runs):
    return hits / runs, float(np.sqrt(max(hits, 1) * (1 - min(hits, runs - 1) / runs)) / runs)


def median(delays):
    """The median and half the width of its 68 % order-statistic interval; inf counts as late."""
    ordered, n = np.sort(delays), len(delays)
    low, high = (ordered[min(n - 1, max(0, int(n / 2 + side * np.sqrt(n) / 2)))] for side in (-1, 1))
    return float(ordered[n // 2]), float((high - low) / 2) if np.isfinite(high) else float("inf")


def scans(rng, rate, reference_trials, runs, **arguments):
    """One scan a run, side by side, each with a reference of its own and the whole budget."""
    events = rng.binomial(reference_trials, rate, runs)
    trials = np.broadcast_to(reference_trials, (runs,))
    arguments = {"ticks_per_budget": TICKS, "trials_per_tick": PER_TICK, "spending": FAVOURING} | arguments
    return ExactScan(events, trials, false_alarm_budget=np.full(runs, ALPHA), **arguments), (events, trials)


def first_alarms(alarms):
    """Ticks until the first alarm of each run, inf without; looks no further than needed."""
    delays = None
    for tick, alarm in enumerate(alarms, 1):
        delays = np.full(len(alarm), np.inf) if delays is None else delays
        delays[alarm & np.isinf(delays)] = tick
        if np.isfinite(delays).all():
            break
    return delays


def within_ticks(late, per_tick):
    """The median of delays known to the tick only, as if spread evenly over the tick; and its error."""
    middle, error = median(late)
    if not np.isfinite(middle):
        return middle, error
    short, at = (late < middle).mean(), (late == middle).mean()
    if error <= 2 * per_tick:
        error = 0.5 * per_tick / at / np.sqrt(len(late))
    return middle - per_tick + (0.5 - short) / at * per_tick, float(error)
