"""Lengths and latencies as yes-or-no outcomes: is a value above the reference's median, .9, .99?

The scan counts events, so a distribution is watched by how often it exceeds fixed thresholds. These are
the quantiles of one half of the reference; the counts come from the other half, since a sample exceeds its
own quantiles by construction, not by chance. The halves are every other value, so that a trend within
the reference falls on both.

Strict exceedance: ties, as of whole token counts, lower the rate on both sides alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

QUANTILES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Exceedance:
    """``events[i]`` of ``trials`` reference values exceed ``thresholds[i]``, the quantile ``quantiles[i]``."""

    quantiles: tuple[float, ...]
    thresholds: tuple[float, ...]
    events: tuple[int, ...]
    trials: int

    def count(self, values: ArrayLike) -> NDArray[np.int64]:
        """How many of ``values`` exceed each threshold; (quantiles,), to be taken of ``len(values)``."""
        return _exceeding(np.asarray(values, float), self.thresholds)


def exceedance(values: ArrayLike, quantiles: tuple[float, ...] = QUANTILES) -> Exceedance:
    """Thresholds and counts of a reference of at least two values, in the order in which they came.

    >>> reference = exceedance(range(1000))
    >>> reference.thresholds, reference.events, reference.trials
    ((499.0, 898.2, 988.02), (250, 51, 6), 500)
    >>> reference.count([100, 600, 995]).tolist()
    [2, 1, 1]
    """
    reference = np.asarray(values, float)
    if reference.size < 2:
        raise ValueError(f"need at least two values, got {reference.size}")
    thresholds = tuple(float(value) for value in np.quantile(reference[::2], quantiles))
    counted = reference[1::2]
    return Exceedance(quantiles, thresholds, tuple(_exceeding(counted, thresholds).tolist()), counted.size)


def _exceeding(values: NDArray[np.float64], thresholds: tuple[float, ...]) -> NDArray[np.int64]:
    return np.asarray((values[:, None] > np.asarray(thresholds)).sum(axis=0), np.int64)
