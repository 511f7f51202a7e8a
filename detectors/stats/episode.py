"""From an alarm to its end: latched, until the data show that the rate is back, or a person decides.

An alarm opens an episode. It ends as ``recovered`` when an anytime-valid interval of live minus
reference rate lies inside the margin, so absence of alarms is never taken for recovery. Trials are
counted in rounds: whenever the interval lies wholly outside the margin, the rate is confirmed to be
out and the count starts afresh, since a month of bad ticks would hide the good ones that follow.
Round j works at level alpha / (j (j + 1)); these sum to alpha, so a rate that stays outside the
margin is ever called recovered with probability at most alpha.

Nothing here adopts a new baseline: ``promote`` is a person's command.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal, Self

from detectors.stats.clopper_pearson import lower_bound, upper_bound
from detectors.stats.confidence_sequence import confidence_sequence

State = Literal["in_control", "out_of_control", "recovered"]


@dataclass(slots=True)
class Episode:
    """One stratum's state. ``margin`` in (0, 1), a difference of rates; times are ticks.

    >>> episode = Episode(50, 1000, margin=0.05)
    >>> episode.alarm(changed_at=120)
    >>> episode.update(400, 1000), episode.update(50, 1000), episode.update(200, 4000)
    ('out_of_control', 'out_of_control', 'recovered')
    """

    reference_events: int
    reference_trials: int
    margin: float
    alpha: float = 0.05
    state: State = "in_control"
    changed_at: int | None = None
    events: int = 0
    trials: int = 0
    round: int = 1
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1 or not 0 < self.alpha < 1:
            raise ValueError(f"need 0 < margin < 1 and 0 < alpha < 1, got {self.margin} and {self.alpha}")

    def alarm(self, changed_at: int) -> None:
        """Opens an episode; within one, a further alarm changes nothing."""
        if self.state != "out_of_control":
            self.state, self.changed_at = "out_of_control", changed_at
            self._start_round(1)

    def update(self, events: int, trials: int) -> State:
        """One tick after the alarm. ``low`` and ``high`` are then the difference's interval."""
        if self.state != "out_of_control":
            return self.state
        self.events, self.trials = self.events + events, self.trials + trials
        level = self.alpha / (self.round * (self.round + 1))
        # As ``difference_from_reference``, but the reference's interval is the same from tick to tick.
        reference_low, reference_high = _reference_interval(self.reference_events, self.reference_trials, level / 4)
        low, high = confidence_sequence(self.events, self.trials, level / 2)
        self.low, self.high = float(low) - reference_high, float(high) - reference_low
        if -self.margin < self.low and self.high < self.margin:
            self.state = "recovered"
        elif self.low > self.margin or self.high < -self.margin:
            self._start_round(self.round + 1)
        return self.state

    def promote(self, reference_events: int, reference_trials: int) -> None:
        """A person has made these counts the new baseline."""
        self.reference_events, self.reference_trials = reference_events, reference_trials
        self.state, self.changed_at = "in_control", None
        self._start_round(1)

    def to_json(self) -> str:
        """Every field."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of ``to_json``."""
        return cls(**json.loads(text))

    def _start_round(self, number: int) -> None:
        self.round, self.events, self.trials = number, 0, 0


@lru_cache(maxsize=8192)
def _reference_interval(events: int, trials: int, beta: float) -> tuple[float, float]:
    return float(lower_bound(events, trials, beta)), float(upper_bound(events, trials, beta))


def promotable_from(changed_at: int, now: int) -> int:
    """First tick of the second half of what has been seen since the change.

    The change estimate maximises a statistic, so counts that start at it are no fixed sample; the
    second half hardly depends on it.
    """
    return changed_at + (now - changed_at + 1) // 2
