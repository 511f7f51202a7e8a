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

from dataclasses import dataclass, replace

import numpy as np

from detectors.stats.exact_scan import ExactScan
from detectors.stats.hypergeometric import log_lower_tail, log_upper_tail
from detectors.stats.parameters import ScanParameters
from detectors.stats.windows import plan, ticks_per_block

STANDARD_ERRORS_NEEDED = 4.0
LEAST_STEP = 0.0005
"""To which ``smallest_shift`` is worked out."""


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


def typical_delay(scan: ScanParameters, rate: float) -> float:
    """Trials until ``rate`` in (0, 1) alarms, typically; inf where it does not within a period.

    ``scan`` is that of one stratum, of numbers (ValueError otherwise). So in all of this file.

    >>> typical_delay(ScanParameters(250, 5000, ticks_per_budget=2000, trials_per_tick=50), 0.10)
    800.0
    """
    events, trials, planned, budget, odds = _numbers(scan)
    setup = plan(ticks_per_block(planned, scan.ticks_per_budget), scan.ticks_per_budget)
    window_trials = np.floor(np.array(setup.lengths, float) * setup.ticks_per_block * planned)
    window_events = np.round(window_trials * rate)
    rises = rate * trials > events
    tail = log_upper_tail if rises else log_lower_tail
    log_p = tail(window_events, window_trials, events, trials, odds if rises else 1 / odds)
    shares = scan.spending.g_share * scan.spending.of_lengths(setup, planned)
    with np.errstate(divide="ignore"):  # where all is channel F's, nothing alarms in G
        threshold = np.log(budget * shares / (2 * np.array(setup.tests)))
    enough = np.flatnonzero(log_p <= threshold)
    return float(window_trials[enough[0]]) if enough.size else float("inf")


def smallest_shift(scan: ScanParameters, within_trials: float) -> float:
    """Least rise of the rate whose typical delay is at most ``within_trials``, to .0005; nan if none is.

    >>> smallest_shift(ScanParameters(250, 5000, ticks_per_budget=2000, trials_per_tick=50), 1000)
    0.0495
    """
    events, trials, *_ = _numbers(scan)
    rate = events / trials
    rises = np.arange(LEAST_STEP, 1 - rate, LEAST_STEP)
    low, high = 0, len(rises)
    while low < high:
        middle = (low + high) // 2
        seen = typical_delay(scan, rate + float(rises[middle])) <= within_trials
        low, high = (low, middle) if seen else (middle + 1, high)
    return round(float(rises[low]), 4) if low < len(rises) else float("nan")


def simulated_delay(
    scan: ScanParameters, rate: float, rng: np.random.Generator, runs: int = 200, horizon_ticks: int = 2000
) -> Delay:
    """Delays of ``runs`` streams that have ``rate`` from their first tick on, Poisson traffic."""
    events, trials, planned, budget, _ = _numbers(scan)
    streams = ExactScan.of(
        replace(
            scan,
            reference_events=np.full(runs, int(events)),
            reference_trials=np.full(runs, int(trials)),
            false_alarm_budget=np.full(runs, budget),
        )
    )
    delays, seen = np.full(runs, np.inf), np.zeros(runs)
    for _ in range(horizon_ticks):
        tick = rng.poisson(planned, runs)
        seen += tick
        alarms = np.asarray(streams.update(rng.binomial(tick, rate), tick))
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


def _numbers(scan: ScanParameters) -> tuple[float, float, float, float, float]:
    """Events and trials of the reference, trials a tick, budget and margin."""
    if not scan.is_scalar:
        raise ValueError(f"need the parameters of one stratum, got {scan.strata} strata")
    (events, trials), (planned,), (budget,), (odds,) = scan.reference, scan.planned, scan.budgets, scan.margins
    return float(events[0, 0]), float(trials[0, 0]), float(planned), float(budget), float(odds)
