"""How much more do tick or day rates vary than coin tosses would, and what margin does that ask for?

With counts (k_i, n_i) of m periods and the pooled rate p, Q = sum (k_i - n_i p)^2 / (n_i p (1 - p))
has mean m - 1 under binomial variation. ``ratio`` = Q / (m - 1). The variance between periods is
estimated by moments, tau^2 = p (1 - p) (Q - (m - 1)) / (N - sum n_i^2 / N), and 0 where that is
negative. The margin is ``exp(2 tau / (p (1 - p)))``: two standard deviations of the log odds.

A standard deviation from few days is itself uncertain: ``sd_upper`` is the value for which so small a Q
would have had probability 10 %, and the margin to use until there are a dozen days or more.

Undefined (nan, margin 1) with fewer than two periods, or where nothing or everything is an event.

McCullagh & Nelder (1989), Generalized Linear Models, 4.5. DerSimonian & Laird (1986), Control. Clin. Trials 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri


@dataclass(frozen=True, slots=True)
class OverDispersion:
    """``ratio``: observed over binomial variance. ``sd``, ``sd_upper``: between periods, as rates."""

    ratio: float
    sd: float
    sd_upper: float
    odds_margin: float
    odds_margin_upper: float


def over_dispersion(events: ArrayLike, trials: ArrayLike) -> OverDispersion:
    """Of ``events`` in ``trials``, both (periods,); periods without trials are left out.

    >>> steady = over_dispersion([5, 4, 6, 5], [100] * 4)
    >>> wild = over_dispersion([1, 15, 2, 12], [100] * 4)
    >>> round(steady.ratio, 2), steady.odds_margin, round(wild.ratio, 1), round(wild.odds_margin, 1)
    (0.14, 1.0, 7.2, 6.6)
    """
    k, n = np.asarray(events, float), np.asarray(trials, float)
    k, n = k[n > 0], n[n > 0]
    total = n.sum()
    p = k.sum() / total if total else 0.0
    if k.size < 2 or not 0 < p < 1:
        return OverDispersion(float("nan"), float("nan"), float("nan"), 1.0, 1.0)
    variance, free = p * (1 - p), k.size - 1
    q = float(np.sum((k - n * p) ** 2 / (n * variance)))
    spread = total - np.sum(n * n) / total

    def sd(of_q: float) -> float:
        return float(np.sqrt(max(0.0, variance * (of_q - free) / spread)))

    # Q / E(Q) is about chi-square over its degrees of freedom.
    upper = sd(q * free / float(chdtri(free, 0.9)))
    return OverDispersion(
        ratio=q / free,
        sd=sd(q),
        sd_upper=upper,
        odds_margin=float(np.exp(2 * sd(q) / variance)),
        odds_margin_upper=float(np.exp(2 * upper / variance)),
    )


def effective_number(weights: ArrayLike) -> float:
    """(sum w)^2 / sum w^2: how many equal users these amount to; 0 of none.

    >>> effective_number([1, 1, 1, 1]), round(effective_number([97, 1, 1, 1]), 2)
    (4.0, 1.06)
    """
    w = np.asarray(weights, float)
    return float(w.sum() ** 2 / np.sum(w * w)) if np.any(w > 0) else 0.0
