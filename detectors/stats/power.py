"""What can the exact scan see with this baseline, and how soon?

* ``typical_delay``: trials until the counts that a new rate makes on average alarm in a window that
  starts at the change; close to the median delay, at no cost.
* ``simulated_delay``: the same by drawing streams, with its spread.
* ``smallest_shift``: the least rise (or fall) whose typical delay is within a limit.

A delay near the best possible needs a reference of about 50 p (1 - p) / shift^2 trials. A shift below
some four standard errors of the reference rate is found late or never: ``undetectable``, which is not
"no drift".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from detectors.stats.exact_scan import ExactScan
from detectors.stats.hypergeometric import log_lower_tail, log_upper_tail
from detectors.stats.panel import G_SHARE
from detectors.stats.windows import favouring, plan, ticks_per_block

STANDARD_ERRORS_NEEDED = 4.0


@dataclass(frozen=True, slots=True)
class Delay:
    """In trials after the change. ``found``: share of the runs that alarmed within the horizon.

    A quantile is inf where fewer runs alarmed than it asks for.
    """

    runs: int
    found: float
    median: float
    p90: float


def reference_needed(rate: float, shift: float) -> int:
    """Reference trials for a near-best delay.

    >>> reference_needed(0.05, 0.05)
    950
    """
    return int(np.ceil(50 * rate * (1 - rate) / shift**2))


def undetectable(reference_events: int, reference_trials: int, shift: float) -> bool:
    """Is ``shift``, a difference of rates, below four standard errors of the reference rate?

    >>> undetectable(5, 100, 0.05), undetectable(50, 1000, 0.05)
    (True, False)
    """
    rate = (reference_events + 0.5) / (reference_trials + 1)
    return bool(abs(shift) < STANDARD_ERRORS_NEEDED * np.sqrt(rate * (1 - rate) / reference_trials))


def typical_delay(
    reference_events: int,
    reference_trials: int,
    rate: float,
    ticks_per_budget: int,
    trials_per_tick: float,
    budget: float = 0.01,
    odds_margin: float = 1.0,
    g_share: float = G_SHARE,
    favoured_trials: tuple[float, float] | None = None,
) -> float:
    """Trials until ``rate`` in (0, 1) alarms, typically; inf where it does not within a period.

    ``budget`` is the stratum's own; what follows it is as in ``ExactScan``.

    >>> typical_delay(250, 5000, 0.10, 2000, 50)
    800.0
    """
    setup = plan(ticks_per_block(trials_per_tick, ticks_per_budget), ticks_per_budget)
    lengths, tests = np.array(setup.lengths, float), np.array(setup.tests, float)
    trials = np.floor(lengths * setup.ticks_per_block * trials_per_tick)
    events = np.round(trials * rate)
    tail = log_upper_tail if rate * reference_trials > reference_events else log_lower_tail
    odds = odds_margin if rate * reference_trials > reference_events else 1 / odds_margin
    log_p = tail(events, trials, reference_events, reference_trials, odds)
    threshold = np.log(budget * g_share * favouring(favoured_trials, setup, trials_per_tick) / (2 * tests))
    enough = np.flatnonzero(log_p <= threshold)
    return float(trials[enough[0]]) if enough.size else float("inf")


def smallest_shift(
    reference_events: int,
    reference_trials: int,
    within_trials: float,
    ticks_per_budget: int,
    trials_per_tick: float,
    budget: float = 0.01,
    odds_margin: float = 1.0,
    g_share: float = G_SHARE,
    favoured_trials: tuple[float, float] | None = None,
) -> float:
    """Least rise of the rate whose typical delay is at most ``within_trials``, to .0005; nan if none is.

    >>> smallest_shift(250, 5000, 1000, 2000, 50)
    0.0495
    """
    rate = reference_events / reference_trials
    rises = np.arange(0.0005, 1 - rate, 0.0005)

    def seen(rise: float) -> bool:
        return (
            typical_delay(
                reference_events,
                reference_trials,
                rate + rise,
                ticks_per_budget,
                trials_per_tick,
                budget,
                odds_margin,
                g_share,
                favoured_trials,
            )
            <= within_trials
        )

    low, high = 0, len(rises)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(float(rises[middle])) else (middle + 1, high)
    return round(float(rises[low]), 4) if low < len(rises) else float("nan")


def simulated_delay(
    reference_events: int,
    reference_trials: int,
    rate: float,
    ticks_per_budget: int,
    trials_per_tick: float,
    rng: np.random.Generator,
    budget: float = 0.01,
    odds_margin: float = 1.0,
    runs: int = 200,
    horizon_ticks: int = 2000,
    g_share: float = G_SHARE,
    favoured_trials: tuple[float, float] | None = None,
) -> Delay:
    """Delays of ``runs`` streams that have ``rate`` from their first tick on, Poisson traffic."""
    scan = ExactScan(
        np.full(runs, reference_events),
        np.full(runs, reference_trials),
        ticks_per_budget,
        trials_per_tick,
        np.full(runs, budget),
        odds_margin,
        g_share,
        favoured_trials,
    )
    delays, seen = np.full(runs, np.inf), np.zeros(runs)
    for _ in range(horizon_ticks):
        trials = rng.poisson(trials_per_tick, runs)
        seen += trials
        alarms = np.asarray(scan.update(rng.binomial(trials, rate), trials))
        delays[alarms & np.isinf(delays)] = seen[alarms & np.isinf(delays)]
        if np.isfinite(delays).all():
            break
    ordered = np.sort(delays)
    return Delay(
        runs=runs,
        found=float(np.isfinite(delays).mean()),
        median=float(ordered[(runs - 1) // 2]),
        p90=float(ordered[int(np.ceil(0.9 * runs)) - 1]),
    )
