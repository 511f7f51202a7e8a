"""Clopper-Pearson bounds: which rates could have produced k events in n trials?

The upper bound U(beta) is the smallest rate under which k or fewer events have probability
at most ``beta``; the lower bound mirrors it. Valid for every n; conservative, because counts
are whole numbers.

Domain: 0 <= k <= n, n >= 1, 0 < beta < 1. U = 1 when k = n, L = 0 when k = 0. Arrays broadcast.

Clopper & Pearson (1934), Biometrika 26(4), 404-413.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

Rates = NDArray[np.float64]


def upper_bound(events: ArrayLike, trials: ArrayLike, beta: float) -> Rates:
    """Rate in [0, 1]; shape of ``np.broadcast(events, trials)``.

    >>> round(float(upper_bound(25, 500, 0.001)), 6)
    0.087521
    """
    k, n = _checked(events, trials, beta)
    return np.where(k == n, 1.0, betaincinv(k + 1, np.maximum(n - k, 1), 1 - beta))


def lower_bound(events: ArrayLike, trials: ArrayLike, beta: float) -> Rates:
    """Rate in [0, 1]; shape of ``np.broadcast(events, trials)``.

    >>> round(float(lower_bound(475, 500, 0.001)), 6)
    0.912479
    """
    k, n = _checked(events, trials, beta)
    return np.where(k == 0, 0.0, betaincinv(np.maximum(k, 1), n - k + 1, beta))


def _checked(events: ArrayLike, trials: ArrayLike, beta: float) -> tuple[Rates, Rates]:
    k, n = np.asarray(events, float), np.asarray(trials, float)
    if not 0 < beta < 1:
        raise ValueError(f"need 0 < beta < 1, got {beta}")
    if np.any((k < 0) | (k > n) | (n < 1)):
        raise ValueError(f"need 0 <= events <= trials and trials >= 1, got {k} of {n}")
    return k, n
