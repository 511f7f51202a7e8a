"""Fisher's tails: given all events of two samples, how surprising is the share of one of them?

Of ``t = events + reference_events`` events in all, X fall among ``trials``, the others among
``reference_trials``. At equal rates X is hypergeometric whatever the common rate is; at a
fixed odds ratio ``odds`` (odds of the sample over odds of the reference) it is Fisher's
noncentral hypergeometric, P(X = x) ~ C(n, x) C(N, t - x) odds^x.

Terms: log P(X = x) by Loader's saddle point form, whose parts are small, where differences of
log-gammas lose 1e-6 at 1e8 trials. Tails: one exact term and the sum of its ratios to the
terms beyond it. Relative error of a probability below 1e-9 for up to 1e7 trials.

Domain: whole numbers 0 <= k <= n, 0 <= K <= N, odds > 0. Arrays broadcast.

Fisher (1935), J. R. Stat. Soc. 98(1), 39-82. Loader (2000), Fast and accurate computation of
binomial probabilities.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Reals = NDArray[np.float64]

NEGLIGIBLE = 1e-18
"""A term this much smaller than the sum so far, and falling, ends the sum."""


def log_upper_tail(
    events: ArrayLike,
    trials: ArrayLike,
    reference_events: ArrayLike,
    reference_trials: ArrayLike,
    odds: ArrayLike = 1.0,
) -> Reals:
    """The log of P(X >= events), shape of the broadcast arguments.

    >>> round(float(np.exp(log_upper_tail(9, 50, 25, 500))), 9)
    0.001856262
    """
    k, n, big_k, big_n, psi = np.broadcast_arrays(
        *(np.asarray(value, float) for value in (events, trials, reference_events, reference_trials, odds))
    )
    shape = k.shape
    k, n, big_k, big_n, psi = (value.ravel() for value in (k, n, big_k, big_n, psi))
    beyond = k > centre(n, k + big_k, big_n, psi)
    log_p = np.zeros(k.shape)
    if beyond.any():
        log_p[beyond] = _log_tail(k[beyond], n[beyond], big_k[beyond], big_n[beyond], psi[beyond])
    # Short of the centre the other tail, P(X <= k - 1), is the small one; none is left of the support.
    short = ~beyond & (k > 0) & (big_k < big_n)
    if short.any():
        other = _log_tail(big_k[short] + 1, big_n[short], k[short] - 1, n[short], 1 / psi[short])
        log_p[short] = np.log1p(-np.exp(np.minimum(other, -1e-16)))
    return log_p.reshape(shape)


def log_lower_tail(
    events: ArrayLike,
    trials: ArrayLike,
    reference_events: ArrayLike,
    reference_trials: ArrayLike,
    odds: ArrayLike = 1.0,
) -> Reals:
    """The log of P(X <= events): the upper tail with sample and reference exchanged.

    >>> round(float(np.exp(log_lower_tail(0, 200, 25, 500))), 9)
    0.000186293
    """
    return log_upper_tail(reference_events, reference_trials, events, trials, 1 / np.asarray(odds, float))


def centre(trials: Reals, all_events: Reals, reference_trials: Reals, odds: ArrayLike) -> Reals:
    """Where X is most likely, as a real number: the root of x (N - t + x) = odds (t - x) (n - x)."""
    n, t, psi = trials, all_events, np.asarray(odds, float)
    b = reference_trials - t + psi * (n + t)
    root = np.sqrt(np.maximum(b * b + 4 * (1 - psi) * psi * n * t, 0))
    return np.asarray(2 * psi * n * t / np.maximum(b + root, np.finfo(float).tiny))


def exponent(x: Reals, origin: Reals, trials: Reals, all_events: Reals, reference_trials: Reals) -> Reals:
    """-log of P(X = x) / P(X = origin) without its slowly varying factors, ``origin`` being the centre.

    It is the deviance of both samples. The tail beyond x is about exp(-exponent), and smaller
    by at most some 3 nats at the thresholds of a monitor.
    """
    n, t, big_n = trials, all_events, reference_trials
    return (
        _deviance(x, origin)
        + _deviance(n - x, n - origin)
        + _deviance(t - x, t - origin)
        + _deviance(big_n - t + x, big_n - t + origin)
    )


def log_probability(x: Reals, trials: Reals, all_events: Reals, reference_trials: Reals) -> Reals:
    """The log of P(X = x) at equal rates, for x within the support."""
    n, t, big_n = trials, all_events, reference_trials
    share = t / np.maximum(n + big_n, 1)
    return _log_binomial(x, n, share) + _log_binomial(t - x, big_n, share) - _log_binomial(t, n + big_n, share)


def log_normaliser(trials: Reals, all_events: Reals, reference_trials: Reals, odds: Reals) -> Reals:
    """The log of the sum of P(X = x) odds^x over the support, P at equal rates; arguments are vectors.

    Near odds 1 the sum is 1, its logarithm 0.
    """
    n, t, big_n = trials, all_events, reference_trials
    total = np.zeros(np.shape(n))
    shifted = odds != 1
    if not shifted.any():
        return total
    n, t, big_n, odds = n[shifted], t[shifted], big_n[shifted], odds[shifted]
    low, high = np.maximum(t - big_n, 0), np.minimum(n, t)
    mode = np.clip(np.floor(centre(n, t, big_n, odds)), low, high)
    upper = _sum_of_ratios(mode, n, t, big_n, odds)
    lower = _sum_of_ratios(t - mode, big_n, t, n, 1 / odds)
    total[shifted] = log_probability(mode, n, t, big_n) + mode * np.log(odds) + np.log(upper + lower - 1)
    return total


def _log_tail(k: Reals, n: Reals, big_k: Reals, big_n: Reals, odds: Reals) -> Reals:
    """The log of P(X >= k) for k at or beyond the centre."""
    t = k + big_k
    term = log_probability(k, n, t, big_n) + k * np.log(odds) - log_normaliser(n, t, big_n, odds)
    return np.asarray(np.minimum(term + np.log(_sum_of_ratios(k, n, t, big_n, odds)), 0))


def _sum_of_ratios(start: Reals, n: Reals, t: Reals, big_n: Reals, odds: Reals) -> Reals:
    """1 + P(start + 1)/P(start) + P(start + 2)/P(start) + ..., to double precision."""
    sums, last, x = np.ones(start.shape), np.ones(start.shape), start.copy()
    open_rows, width = np.arange(start.size), 32
    while open_rows.size:
        i = open_rows[:, None]
        step = x[i] + np.arange(width)
        ratios = (n[i] - step) * (t[i] - step) / ((step + 1) * (big_n[i] - t[i] + step + 1)) * odds[i]
        # Past the end of the support the ratio has been 0 once; what follows may be anything.
        terms = last[i] * np.cumprod(np.where((step < n[i]) & (step < t[i]), ratios, 0.0), axis=1)
        sums[open_rows] += terms.sum(axis=1)
        last[open_rows], x[open_rows] = terms[:, -1], x[open_rows] + width
        open_rows = open_rows[last[open_rows] > NEGLIGIBLE * sums[open_rows]]
        width = min(2 * width, 2048)
    return sums


def _log_binomial(x: Reals, n: Reals, share: Reals) -> Reals:
    """The log of the binomial probability of x in n (Loader 2000, equations 3 to 5)."""
    y = n - x
    inside = (x > 0) & (y > 0)
    log_root = np.log(np.where(inside, 2 * np.pi * x * y / np.maximum(n, 1), 1.0))
    error = _stirling_error(n) - _stirling_error(x) - _stirling_error(y)
    middle = error - _deviance(x, n * share) - _deviance(y, n * (1 - share)) - 0.5 * log_root
    with np.errstate(divide="ignore", invalid="ignore"):
        edge = np.where(x > 0, n * np.log(share), np.where(y > 0, n * np.log1p(-share), 0.0))
    return np.where(inside, middle, edge)


def _deviance(x: Reals, mean: Reals) -> Reals:
    """Of x and its mean: x log(x / mean) - x + mean >= 0, without cancellation where x is near the mean."""
    x, mean = np.maximum(x, 0), np.maximum(mean, np.finfo(float).tiny)
    v = (x - mean) / (x + mean)
    square = v * v
    series = np.zeros(np.shape(v))
    for odd in (17, 15, 13, 11, 9, 7, 5, 3):
        series = series * square + 1 / odd
    near = (x - mean) * v + 2 * x * v * square * series
    far = x * np.log(np.maximum(x, np.finfo(float).tiny) / mean) - x + mean
    return np.where(np.abs(v) < 0.1, near, far)


_SMALL = np.array([0.0] + [gammaln(m + 1) - (m + 0.5) * np.log(m) + m - np.log(2 * np.pi) / 2 for m in range(1, 17)])
"""Stirling's error of 0 (where the formula is not used) to 16, below which its series is too short."""


def _stirling_error(n: Reals) -> Reals:
    """The log of n! minus Stirling's formula."""
    m = np.maximum(n, 1)
    inverse = 1 / (m * m)
    series = (1 / 12 - (1 / 360 - (1 / 1260 - (1 / 1680 - inverse / 1188) * inverse) * inverse) * inverse) / m
    return np.where(n < _SMALL.size, _SMALL[np.minimum(n, _SMALL.size - 1).astype(int)], series)
