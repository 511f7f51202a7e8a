"""The tail of a sum of independent hypergeometrics: one comparison, layer by layer.

Layers are hours of the day, or the children of a parent. Given every layer's total, the sum
of X_h over layers has a known law whatever the layers' own rates are, so a rate that follows the
hour, or a mix that changes, is no evidence. p = P(sum X_h >= sum k_h), by exact convolution.

A plain convolution cannot resolve a tail of 1e-20 in double precision. Each law is therefore
tilted first: multiplied by exp(theta x) with the theta that makes the observed sum the typical
one, convolved, and divided again. The result is exact for any theta.

Arrays are (tests, layers). Layers without trials on either side say nothing and do no harm.
Mantel & Haenszel (1959), J. Natl. Cancer Inst. 22(4), 719-748, is the large-sample form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats.hypergeometric import centre, exponent, log_normaliser, log_upper_tail

Reals = NDArray[np.float64]

NEGLIGIBLE_NATS = 50.0
"""Terms this far below the largest of their layer are left out."""


def log_upper_tail_of_sum(
    events: ArrayLike,
    trials: ArrayLike,
    reference_events: ArrayLike,
    reference_trials: ArrayLike,
    odds: ArrayLike = 1.0,
    settled_at: ArrayLike = -np.inf,
) -> Reals:
    """The log of P(sum over layers of X >= sum of events); (tests, layers) in, (tests,) out.

    ``odds`` is a scalar or (tests,). So is ``settled_at``: where Chernoff's bound on the log is at or below
    it already, the bound is returned instead, which needs no convolution. One layer is always exact.

    >>> round(float(np.exp(log_upper_tail_of_sum([[5, 2]], [[10, 8]], [[3, 6]], [[30, 40]]))[0]), 9)
    0.019671862
    """
    k, n, big_k, big_n = np.broadcast_arrays(
        *(np.asarray(value, float) for value in (events, trials, reference_events, reference_trials))
    )
    if k.shape[1] == 1:
        return log_upper_tail(k[:, 0], n[:, 0], big_k[:, 0], big_n[:, 0], odds)
    psi = np.broadcast_to(np.asarray(odds, float), (len(k),))
    log_odds = np.maximum(log_tilted_odds(k, n, big_k, big_n, psi), np.log(psi))
    t = k + big_k
    moments = _normalisers(n, t, big_n, np.exp(log_odds)[:, None]) - _normalisers(n, t, big_n, psi[:, None])
    theta = log_odds - np.log(psi)
    # The tail of the tilted sum, times exp(-theta (s - wanted)) <= 1, is at most 1.
    log_p = moments.sum(axis=1) - theta * k.sum(axis=1)
    for row in np.flatnonzero(log_p > settled_at):
        log_p[row] += _tail_of_row(k[row].sum(), n[row], t[row], big_n[row], theta[row], log_odds[row])
    return np.asarray(log_p)


def log_tilted_odds(k: Reals, n: Reals, big_k: Reals, big_n: Reals, odds: Reals) -> Reals:
    """The common log odds ratio whose layer centres sum to the observed events; (tests,)."""
    t, wanted = k + big_k, k.sum(axis=1)
    guess = np.log(odds)
    low, high = guess - 25, guess + 25
    for _ in range(40):
        x = centre(n, t, big_n, np.exp(guess)[:, None])
        short = x.sum(axis=1) < wanted
        low, high = np.where(short, guess, low), np.where(short, high, guess)
        spread = 1 / (_inverse(x) + _inverse(n - x) + _inverse(t - x) + _inverse(big_n - t + x))
        newton = guess + (wanted - x.sum(axis=1)) / np.maximum(spread.sum(axis=1), 1e-12)
        # Newton's step where it stays between what is known, else a bisection.
        last, guess = guess, np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        if np.all(np.abs(guess - last) < 1e-4):
            break
    return guess


def layered_exponent(k: Reals, n: Reals, big_k: Reals, big_n: Reals, odds: Reals) -> Reals:
    """About -log of the upper tail of the sum, 0 where it is not beyond the centre; ``odds`` and result (tests,)."""
    t = k + big_k
    origin = centre(n, t, big_n, odds[:, None])
    beyond = k.sum(axis=1) > origin.sum(axis=1)
    if k.shape[1] == 1:
        x = k
    else:
        tilted = np.maximum(log_tilted_odds(k, n, big_k, big_n, odds), np.log(odds))
        x = centre(n, t, big_n, np.exp(tilted)[:, None])
    return np.where(beyond, exponent(x, origin, n, t, big_n).sum(axis=1), 0.0)


def _tail_of_row(wanted: float, n: Reals, t: Reals, big_n: Reals, theta: float, log_odds: float) -> float:
    """The log of the sum over s >= wanted of q(s) exp(-theta (s - wanted)), q the convolution of the tilted laws."""
    some = (n > 0) & (t > 0)
    if not some.any():
        return 0.0
    n, t, big_n = n[some, None], t[some, None], big_n[some, None]
    low, high = np.maximum(0.0, t - big_n), np.minimum(n, t)
    # Each law from the ratios of its neighbouring terms, relative to its first: what is constant is divided out.
    x = low + np.arange((high - low).max())
    ratios = np.where(x < high, (n - x) * (t - x) / ((x + 1) * (big_n - t + x + 1)), 1.0)
    log_q = np.cumsum(np.hstack([np.zeros(low.shape), np.log(ratios) + log_odds]), axis=1)
    log_q[:, 1:][x >= high] = -np.inf
    law, first = np.ones(1), int(low.sum())
    for layer in log_q - log_q.max(axis=1, keepdims=True):
        keep = np.flatnonzero(layer > -NEGLIGIBLE_NATS)
        q = np.exp(layer[keep[0] : keep[-1] + 1])
        law, first = np.convolve(law, q / q.sum()), first + int(keep[0])
    sums = first + np.arange(law.size)
    beyond = sums >= wanted
    if not beyond.any():
        return -np.inf
    return float(np.log(np.sum(law[beyond] * np.exp(-theta * (sums[beyond] - wanted)))))


def _normalisers(n: Reals, t: Reals, big_n: Reals, odds: Reals) -> Reals:
    flat = (value.ravel() for value in np.broadcast_arrays(n, t, big_n, odds))
    return log_normaliser(*flat).reshape(n.shape)


def _inverse(value: Reals) -> Reals:
    return np.asarray(1 / np.maximum(value, 1e-12))
