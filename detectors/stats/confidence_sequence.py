"""Intervals for a rate that hold at every moment at once, however often one looks.

The Beta(a, b) mixture gives the e-value of a rate p after k events in n trials,

    e(p) = B(a + k, b + n - k) / B(a, b) / (p^k (1 - p)^(n - k)).

At the true rate it is a non-negative martingale of mean 1, so by Ville's inequality it ever reaches
1 / alpha with probability at most alpha; the rates with e(p) < 1 / alpha are the interval.

Domain: whole numbers 0 <= k <= n; 0 < alpha < 1; trials independent. Arrays broadcast. With no
trials the interval is [0, 1].

Robbins (1970), Ann. Math. Stat. 41(5), 1397-1409. Ville (1939), Etude critique de la notion de collectif.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln, xlog1py, xlogy

from detectors.stats.clopper_pearson import lower_bound, upper_bound

Reals = NDArray[np.float64]
Interval = tuple[Reals, Reals]

JEFFREYS = (0.5, 0.5)
MOST_STEPS, PRECISION = 60, 1e-14


def log_e_value(events: ArrayLike, trials: ArrayLike, rate: ArrayLike, prior: tuple[float, float] = JEFFREYS) -> Reals:
    """The log of e(rate); inf where the counts are impossible under ``rate``.

    >>> round(float(np.exp(log_e_value(7, 10, 0.5, prior=(1, 1)))) * 165, 9)
    128.0
    """
    k, n, p = np.asarray(events, float), np.asarray(trials, float), np.asarray(rate, float)
    a, b = prior
    return np.asarray(betaln(a + k, b + n - k) - betaln(a, b) - xlogy(k, p) - xlog1py(n - k, -p))


def confidence_sequence(
    events: ArrayLike, trials: ArrayLike, alpha: ArrayLike, prior: tuple[float, float] = JEFFREYS
) -> Interval:
    """(low, high), each of the broadcast shape, within [0, 1].

    >>> low, high = confidence_sequence(7, 10, 0.05, prior=(1, 1))
    >>> round(float(low), 9), round(float(high), 9)
    (0.266740526, 0.96335971)
    """
    k, n, level = np.broadcast_arrays(*(np.asarray(value, float) for value in (events, trials, alpha)))
    if np.any((level <= 0) | (level >= 1)):
        raise ValueError(f"need 0 < alpha < 1, got {level}")
    a, b = prior
    offset = betaln(a + k, b + n - k) - betaln(a, b) + np.log(level)
    return _lower_end(k, n - k, offset), 1 - _lower_end(n - k, k, offset)


def _lower_end(events: Reals, others: Reals, offset: Reals) -> Reals:
    """The lesser root p of offset - events log p - others log(1 - p), which is convex; 0 where there is no event.

    Newton's method rises to it, without overshooting, from where the last term is left out.
    """
    k = np.maximum(events, 1)
    m = np.where(events > 0, others, 0.0)  # without an event the equation has no root to look for
    p = np.exp(offset / k)
    for _ in range(MOST_STEPS):
        step = (offset - k * np.log(p) - xlog1py(m, -p)) / (k / p - m / (1 - p))
        p = p + step
        if np.all(step <= PRECISION * p):
            break
    return np.where(events > 0, p, 0.0)


def difference_from_reference(
    events: ArrayLike, trials: ArrayLike, reference_events: ArrayLike, reference_trials: ArrayLike, alpha: float
) -> Interval:
    """(low, high) of live rate minus reference rate, holding at every moment with probability 1 - alpha.

    Half of alpha goes to the live rate, anytime; half to the reference, a sample of fixed size.
    """
    low, high = confidence_sequence(events, trials, alpha / 2)
    return (
        low - upper_bound(reference_events, reference_trials, alpha / 4),
        high - lower_bound(reference_events, reference_trials, alpha / 4),
    )


def gap(first: Interval, second: Interval) -> Interval:
    """(low, high) of one rate minus another; each interval at half of the alpha wanted."""
    return first[0] - second[1], first[1] - second[0]
