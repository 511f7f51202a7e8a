"""How the false-alarm budget of a stratum is spent: over channels, and over window lengths.

Rules of this file
* A spending is decided beforehand, from planned traffic alone. What all tests of a period may spend then sums
  to the budget, whatever the parts, and the theorem of ``exact_scan.py`` holds as it stands.
* The parts matter little: the delay goes with the logarithm of a part. Halving one costs .7 nats, where an
  alarm needs 15 to 25.

``EVEN`` favours nothing. ``FAVOURING`` gives nearly all to the windows in which shifts of 2 to 10 points at rates
about 5 % are found, and to "it changed recently"; these are found some 5 to 10 % sooner, others up to a tenth later.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.stats.windows import Plan


@dataclass(frozen=True, slots=True)
class Spending:
    """``g_share`` in [0, 1] goes to channel G, the rest to F.

    Of each, ``favoured_share`` in (0, 1) goes evenly to the windows of ``favoured_trials``, (least, greatest),
    planned trials, and the rest evenly to the others. All is even without ``favoured_trials``.
    """

    g_share: float = 0.7
    favoured_trials: tuple[float, float] | None = None
    favoured_share: float = 0.95

    def __post_init__(self) -> None:
        if not (0 <= self.g_share <= 1 and 0 < self.favoured_share < 1):
            raise ValueError(
                f"need 0 <= g_share <= 1 and 0 < favoured_share < 1, got {self.g_share} and {self.favoured_share}"
            )
        if self.favoured_trials is not None and not 0 < self.favoured_trials[0] <= self.favoured_trials[1]:
            raise ValueError(f"need 0 < least <= greatest of favoured_trials, got {self.favoured_trials}")

    def of_lengths(self, setup: Plan, trials_per_tick: float) -> NDArray[np.float64]:
        """Each length's share of a channel, (lengths,), sum 1; even where every window or none is favoured.

        >>> from detectors.stats.windows import plan
        >>> Spending(0.7, (100, 400), 0.9).of_lengths(plan(1, 16), 50).round(4).tolist()  # windows of 50 to 800
        [0.0333, 0.18, 0.18, 0.18, 0.18, 0.18, 0.0333, 0.0333]
        """
        window_trials = np.array(setup.lengths) * setup.ticks_per_block * trials_per_tick
        low, high = self.favoured_trials or (0.0, np.inf)
        inside = (window_trials >= low) & (window_trials <= high)
        if inside.all() or not inside.any():
            return np.full(len(inside), 1 / len(inside))
        within, outside = self.favoured_share / inside.sum(), (1 - self.favoured_share) / (~inside).sum()
        return np.asarray(np.where(inside, within, outside))


EVEN = Spending()
FAVOURING = Spending(g_share=0.95, favoured_trials=(150.0, 4800.0))
