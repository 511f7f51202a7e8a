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
    psi = np.broadcast_to(np.asarray(odds, float), (len(k),))
    settled = np.broadcast_to(np.asarray(settled_at, float), (len(k),))
    k, n, big_k, big_n, layers = _telling(k, n, big_k, big_n)
    log_p = np.zeros(len(k))
    one, more = layers <= 1, np.flatnonzero(layers > 1)
    if one.any():
        log_p[one] = log_upper_tail(k[one, 0], n[one, 0], big_k[one, 0], big_n[one, 0], psi[one])
    if more.size:
        rows = (value[more] for value in (k, n, big_k, big_n, psi, settled))
        log_p[more] = _log_tails(*rows)
    return log_p


def _telling(k: Reals, n: Reals, big_k: Reals, big_n: Reals) -> tuple[Reals, Reals, Reals, Reals, NDArray[np.intp]]:
    """Of each row the layers that can tell anything, first, and no more columns than the most such layers; their number.

    Where a side has no trials, or nothing or everything is an event, X is known beforehand.
    """
    t = k + big_k
    tells = (n > 0) & (big_n > 0) & (t > 0) & (t < n + big_n)
    layers = tells.sum(axis=1)
    columns = np.argsort(~tells, axis=1, kind="stable")[:, : max(1, layers.max(initial=1))]
    some = np.take_along_axis(tells, columns, axis=1)
    k, n, big_k, big_n = (np.take_along_axis(value, columns, axis=1) * some for value in (k, n, big_k, big_n))
    return k, n, big_k, big_n, layers


def _log_tails(k: Reals, n: Reals, big_k: Reals, big_n: Reals, psi: Reals, settled_at: Reals) -> Reals:
    log_odds = np.maximum(log_tilted_odds(k, n, big_k, big_n, psi), np.log(psi))
    t = k + big_k
    moments = _normalisers(n, t, big_n, np.exp(log_odds)[:, None]) - _normalisers(n, t, big_n, psi[:, None])
    theta = log_odds - np.log(psi)
    # The tail of the tilted sum, times exp(-theta (s - wanted)) <= 1, is at most 1.
    log_p = moments.sum(axis=1) - theta * k.sum(axis=1)
    open_rows = np.flatnonzero(log_p > settled_at)
    if open_rows.size:
        rows = (value[open_rows] for value in (k.sum(axis=1), n, t, big_n, theta, log_odds))
        log_p[open_rows] += _tails_beyond(*rows)
    return np.asarray(log_p)


def log_tilted_odds(k: Reals, n: Reals, big_k: Reals, big_n: Reals, odds: Reals) -> Reals:
    """The common log odds ratio whose layer centres sum to the observed events; (tests,)."""
    t, wanted = k + big_k, k.sum(axis=1)
    low, high = np.log(odds) - 25, np.log(odds) + 25
    guess = np.clip(_log_mantel_haenszel(k, n, big_k, big_n), low, high)
    for _ in range(40):
        x = centre(n, t, big_n, np.exp(guess)[:, None])
        short = x.sum(axis=1) < wanted
        low, high = np.where(short, guess, low), np.where(short, high, guess)
        spread = 1 / (_inverse(x) + _inverse(n - x) + _inverse(t - x) + _inverse(big_n - t + x))
        newton = guess + (wanted - x.sum(axis=1)) / np.maximum(spread.sum(axis=1), 1e-12)
        # Newton's step where it stays between what is known, else a bisection.
        last, guess = guess, np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        # A step of .01 leaves an error of its square, and what is computed with these odds hardly depends on them.
        if np.all(np.abs(guess - last) < 1e-2):
            break
    return guess


def _log_mantel_haenszel(k: Reals, n: Reals, big_k: Reals, big_n: Reals) -> Reals:
    """The log of Mantel and Haenszel's common odds ratio; (tests,). Half a count keeps it finite."""
    inverse = 1 / np.maximum(n + big_n, 1)
    more = (k * (big_n - big_k) * inverse).sum(axis=1)
    less = ((n - k) * big_k * inverse).sum(axis=1)
    return np.asarray(np.log((more + 0.5) / (less + 0.5)))


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


def layered_exponent_bound(k: Reals, n: Reals, big_k: Reals, big_n: Reals, odds: Reals) -> Reals:
    """Never less than ``layered_exponent``, and little more where the reference is large; without an iteration.

    That exponent is the least over all ways to share the excess over the layers; here it is shared by variance.
    Of the four deviances x log(x / m) - x + m of each layer, that of the events in the window is taken as it is;
    of the others, (x - m)^2 / (2 min(x, m)), which Taylor's theorem says is no less.
    """
    t = k + big_k
    origin = centre(n, t, big_n, odds[:, None])
    excess = k.sum(axis=1) - origin.sum(axis=1)
    variance = 1 / (_inverse(origin) + _inverse(n - origin) + _inverse(t - origin) + _inverse(big_n - t + origin))
    shift = variance * (excess / np.maximum(variance.sum(axis=1), 1e-12))[:, None]
    x = origin + shift
    log_ratio = np.log(np.maximum(x, 1e-12) * _inverse(origin))
    rest = _inverse(n - x) + _inverse(t - x) + _inverse(big_n - t + origin)
    bound = (x * log_ratio - shift + shift * shift / 2 * rest).sum(axis=1)
    # Where a layer cannot take its share, x > n or x > t, an inverse is huge, and so is the bound.
    return np.where(excess > 0, bound, 0.0)


def _tails_beyond(wanted: Reals, n: Reals, t: Reals, big_n: Reals, theta: Reals, log_odds: Reals) -> Reals:
    """The log of the sum over s >= wanted of q(s) exp(-theta (s - wanted)), q the convolution of the tilted laws.

    Rows of about one width go together, by Fourier transforms: q is about 1 where it matters, so their error is too.
    """
    first, last = _support(n, t, big_n, log_odds)
    sizes = np.exp2(np.ceil(np.log2((last - first).sum(axis=1) + 1))).astype(int)
    found = np.zeros(len(n))
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes == size)
        laws = _tilted_laws(first[rows], last[rows], n[rows], t[rows], big_n[rows], log_odds[rows])
        law = np.fft.irfft(np.fft.rfft(laws, size, axis=2).prod(axis=1), size, axis=1)
        beyond = first[rows].sum(axis=1)[:, None] + np.arange(size) - wanted[rows, None]
        weights = np.where(beyond >= 0, np.exp(-theta[rows, None] * np.maximum(beyond, 0)), 0.0)
        found[rows] = np.log(np.sum(law * weights, axis=1))
    return found


def _support(n: Reals, t: Reals, big_n: Reals, log_odds: Reals) -> tuple[Reals, Reals]:
    """First and last value of each layer that its tilted law puts more than some e^-50 on."""
    low, high = np.maximum(0.0, t - big_n), np.minimum(n, t)
    x = np.clip(centre(n, t, big_n, np.exp(log_odds)[:, None]), low, high)
    deviation = np.sqrt(1 / (_inverse(x) + _inverse(n - x) + _inverse(t - x) + _inverse(big_n - t + x)))
    # Bernstein's inequality, rounded up; 20 is enough for a law that is all but Poisson.
    reach = np.ceil(20 + 11 * deviation)
    middle = np.round(x)
    return np.maximum(low, middle - reach), np.minimum(high, middle + reach)


def _tilted_laws(first: Reals, last: Reals, n: Reals, t: Reals, big_n: Reals, log_odds: Reals) -> Reals:
    """Probabilities of first, first + 1, ... last in each layer, (rows, layers, widest), zero beyond."""
    first, last, n, t, big_n = (value[:, :, None] for value in (first, last, n, t, big_n))
    x = first + np.arange((last - first).max())
    # From the ratios of neighbouring terms, relative to the first: what is constant is divided out.
    ratios = np.where(x < last, (n - x) * (t - x) / ((x + 1) * (big_n - t + x + 1)), 1.0)
    log_q = np.concatenate([np.zeros(first.shape), np.cumsum(np.log(ratios) + log_odds[:, None, None], axis=2)], axis=2)
    log_q[:, :, 1:][x >= last] = -np.inf
    q = np.exp(log_q - log_q.max(axis=2, keepdims=True))
    return np.asarray(q / q.sum(axis=2, keepdims=True))


def _normalisers(n: Reals, t: Reals, big_n: Reals, odds: Reals) -> Reals:
    flat = (value.ravel() for value in np.broadcast_arrays(n, t, big_n, odds))
    return log_normaliser(*flat).reshape(n.shape)


def _inverse(value: Reals) -> Reals:
    return np.asarray(1 / np.maximum(value, 1e-12))
