"""How soon would a shift be found? The very scan and the very confirmation of ``watch.py``, on streams drawn by chance.

Each stream runs quietly for a while, then its rate moves, and the time is taken until a verdict would be
``out_of_control``: the scan has raised an alarm, and the interval from the estimated change on excludes the
floor. Streams start to move at different places, also within a block, since windows fall due at their own times.

Rules of this file
* A step is one block of the scan, because nothing is tested within one. Quiet stretches are short, so that what the
  scan compares with is hardly more than the baseline: live data only make it faster.
* What is promised is the time within which 39 of 40 streams were found, which leaves room for the promise to be
  kept in 9 of 10, whatever luck the baseline had. Where fewer were found within a budget period, nothing is promised.
* A baseline is a sample: each stream has a rate of its own that could have made it.
* A stratum of several layers is taken at its reference's own mix, all layers moving alike.

Assumes that trials come at the planned pace, evenly through the day, from enough users, and are independent; a
baseline's odds margin is what it learned of noise between days.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.stats.confidence_sequence import difference_from_reference
from detectors.stats.exact_scan import ExactScan
from detectors.stats.localise import localise
from detectors.stats.parameters import ScanParameters
from detectors.stats.power import typical_delay
from detectors.stats.spending import FAVOURING
from detectors.stats.windows import ticks_per_block
from detectors.watch.rules import Rules
from detectors.watch.tested import ALPHA

RUNS = 200
PROMISED = 0.975
QUIET_BLOCKS, SPREAD_BLOCKS = 16, 32
REMEMBERED = 2048
"""Blocks in which the change is looked for."""

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stream:
    """One stratum before a drift: ``events`` of ``trials`` in its baseline, and ``trials_per_tick`` since.

    ``share`` in (0, 1) is its own part of the false-alarm budget; ``odds_margin`` >= 1 as in ``Reference``.
    """

    events: int
    trials: int
    trials_per_tick: float
    share: float
    odds_margin: float = 1.0

    def __post_init__(self) -> None:
        if not (0 <= self.events <= self.trials and self.trials >= 1):
            raise ValueError(f"need 0 <= events <= trials and trials >= 1, got {self.events} of {self.trials}")
        if not (self.trials_per_tick > 0 and 0 < self.share < 1 and self.odds_margin >= 1):
            raise ValueError(
                "need trials_per_tick > 0, 0 < share < 1 and odds_margin >= 1, "
                f"got {self.trials_per_tick}, {self.share} and {self.odds_margin}"
            )

    @property
    def rate(self) -> float:
        """Of the baseline."""
        return self.events / self.trials

    def scan(self, rules: Rules) -> ScanParameters:
        """What the scan of this stratum is told."""
        return ScanParameters(
            self.events,
            self.trials,
            rules.ticks_per_period,
            self.trials_per_tick,
            self.share,
            self.odds_margin,
            FAVOURING,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """Time from the change to the verdict, as the trials that it brings at the planned pace: ``median``, and
    ``promised``, enough for 39 of 40 streams. Each is inf where fewer streams were found within a budget period.
    """

    median: float
    promised: float


NEVER = Found(float("inf"), float("inf"))


def found_within(stream: Stream, shift: float, rules: Rules, rng: np.random.Generator, runs: int = RUNS) -> Found:
    """``shift`` is a difference of rates, not 0, that leaves the rate within (0, 1); ValueError otherwise."""
    rate = stream.rate + shift
    if shift == 0 or not 0 <= rate <= 1:
        raise ValueError(f"need a shift other than 0 to a rate in [0, 1], got {shift} from {stream.rate}")
    if not _is_worth_a_simulation(stream, rate, rules):
        return NEVER
    ticks = ticks_per_block(stream.trials_per_tick, rules.ticks_per_period)
    per_block = stream.trials_per_tick * ticks
    blocks = rules.ticks_per_period // ticks
    scan = ExactScan(
        np.full(runs, stream.events),
        np.full(runs, stream.trials),
        blocks,
        per_block,
        np.full(runs, stream.share),
        np.full(runs, stream.odds_margin),
        FAVOURING,
    )
    before = rng.beta(stream.events + 0.5, stream.trials - stream.events + 0.5, runs)
    after = np.clip(before + shift, 0, 1)
    begins = QUIET_BLOCKS + SPREAD_BLOCKS * rng.random(runs)
    recent: Counts = np.zeros((REMEMBERED, runs, 2), np.int64)
    since: Counts = np.zeros((runs, 2), np.int64)
    alarmed, delays, look_at = np.zeros(runs, bool), np.full(runs, np.inf), 0
    for step in range(QUIET_BLOCKS + SPREAD_BLOCKS + blocks):
        trials = rng.poisson(per_block, runs)
        moved = np.clip(step + 1 - begins, 0, 1)
        events = rng.binomial(trials, before + moved * (after - before))
        now = step % REMEMBERED
        recent[now, :, 0], recent[now, :, 1] = events, trials
        since[alarmed] += recent[now, alarmed]
        events[alarmed], trials[alarmed] = 0, 0
        rings = np.asarray(scan.update(events, trials)) & ~alarmed & (moved > 0)
        for run in np.flatnonzero(rings):
            since[run] = _since_change(np.roll(recent[:, run], -1 - now, axis=0), stream)
            # An alarmed stream needs no scan any more; without live counts it costs none.
            scan.rebase(int(run), stream.events, stream.trials)
        alarmed |= rings
        # Long waits are looked at less often: intervals are dear, and a sixty-fourth of a wait is no matter.
        if step < look_at:
            continue
        look_at = step + max(1, (step - QUIET_BLOCKS) // 64)
        found = alarmed & np.isinf(delays)
        found[found] = _confirmed(since[found], stream, rules)
        delays[found] = per_block * (step + 1 - begins[found])
        if np.isfinite(delays).sum() >= PROMISED * runs:
            break
    ordered = np.sort(delays)
    return Found(
        median=float(ordered[int(np.ceil(0.5 * runs)) - 1]),
        promised=float(ordered[int(np.ceil(PROMISED * runs)) - 1]),
    )


def _is_worth_a_simulation(stream: Stream, rate: float, rules: Rules) -> bool:
    """Whether the shift is beyond the floor, and its mean counts alarm within a period."""
    if abs(rate - stream.rate) <= rules.floor_at(stream.rate):
        return False
    return bool(np.isfinite(typical_delay(stream.scan(rules), rate)))


def _since_change(history: Counts, stream: Stream) -> Counts:
    change = localise(history[:, 0], history[:, 1], stream.events, stream.trials)
    return np.asarray(history[change.at if change else 0 :].sum(axis=0))


def _confirmed(since: Counts, stream: Stream, rules: Rules) -> NDArray[np.bool_]:
    low, high = difference_from_reference(since[:, 0], since[:, 1], stream.events, stream.trials, ALPHA)
    floor = rules.floor_at(stream.rate)
    return np.asarray((low > floor) | (high < -floor))
