"""What an exact scan is told beforehand: one set of parameters, for the scan and for what it could find (``power.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats.spending import EVEN, Spending


@dataclass(frozen=True, slots=True)
class ScanParameters:
    """As ``ExactScan`` explains them; refused with a ValueError where they cannot be."""

    reference_events: ArrayLike
    reference_trials: ArrayLike
    ticks_per_budget: int
    trials_per_tick: ArrayLike
    false_alarm_budget: ArrayLike = 0.01
    odds_margin: ArrayLike = 1.0
    spending: Spending = EVEN

    def __post_init__(self) -> None:
        events, trials = self.reference
        if events.ndim != 2 or not len(events):
            raise ValueError(f"need a scalar, (strata,) or (strata, layers), got shape {events.shape}")
        if np.any((events < 0) | (events > trials)) or np.any(trials.sum(axis=1) < 1):
            raise ValueError(f"need 0 <= reference_events <= reference_trials, trials >= 1, got {events} of {trials}")
        if self.ticks_per_budget < 1 or np.any(~(self.planned >= 0)):
            raise ValueError(
                f"need ticks_per_budget >= 1 and trials_per_tick >= 0, got {self.ticks_per_budget} and {self.planned}"
            )
        if self.budgets.shape != (len(events),) or np.any(~((self.budgets > 0) & (self.budgets < 1))):
            raise ValueError(f"need 0 < false_alarm_budget < 1, one or one a stratum, got {self.budgets}")
        if np.any(~(self.margins >= 1)):
            raise ValueError(f"need odds_margin >= 1, got {self.margins}")

    @property
    def is_scalar(self) -> bool:
        """Whether the reference is that of one stratum, given as numbers."""
        return np.ndim(self.reference_events) == 0 and np.ndim(self.reference_trials) == 0

    @property
    def reference(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Events and trials, (strata, layers) each."""
        events, trials = np.broadcast_arrays(np.asarray(self.reference_events), np.asarray(self.reference_trials))
        return as_table(events), as_table(trials)

    @property
    def strata(self) -> int:
        """How many."""
        return len(self.reference[0])

    @property
    def planned(self) -> NDArray[np.float64]:
        """Trials a tick, (strata,)."""
        return np.broadcast_to(np.asarray(self.trials_per_tick, float), (self.strata,))

    @property
    def budgets(self) -> NDArray[np.float64]:
        """Of each stratum, (strata,): equal parts of one budget, or its own."""
        budget = np.asarray(self.false_alarm_budget, float)
        return np.full(self.strata, budget / self.strata) if budget.ndim == 0 else budget

    @property
    def margins(self) -> NDArray[np.float64]:
        """Odds ratios, (strata,)."""
        return np.broadcast_to(np.asarray(self.odds_margin, float), (self.strata,))

    def to_dict(self) -> dict[str, Any]:
        """JSON-able; see ``from_dict``."""
        spending = self.spending
        return {
            "reference_events": np.asarray(self.reference_events).tolist(),
            "reference_trials": np.asarray(self.reference_trials).tolist(),
            "ticks_per_budget": int(self.ticks_per_budget),
            "trials_per_tick": np.asarray(self.trials_per_tick).tolist(),
            "false_alarm_budget": np.asarray(self.false_alarm_budget).tolist(),
            "odds_margin": np.asarray(self.odds_margin).tolist(),
            "spending": {
                "g_share": float(spending.g_share),
                "favoured_trials": spending.favoured_trials and [float(bound) for bound in spending.favoured_trials],
                "favoured_share": float(spending.favoured_share),
            },
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> ScanParameters:
        """The inverse of ``to_dict``."""
        spending = dict(saved["spending"])
        if spending["favoured_trials"] is not None:
            spending["favoured_trials"] = tuple(spending["favoured_trials"])
        return cls(**(saved | {"spending": Spending(**spending)}))


def as_table(counts: NDArray[Any]) -> NDArray[Any]:
    """(strata, layers) of a scalar, (strata,) or (strata, layers)."""
    return counts.reshape(-1, 1) if counts.ndim < 2 else counts
