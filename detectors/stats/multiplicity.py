"""One budget over many hypotheses: weighted shares, and e-BH for lists.

Shares: an alarm budget alpha is split into alpha * v_s with sum v_s <= 1; by the union bound the
chance of any false alarm is at most alpha under any dependence. The weights are fixed in advance
and may look at the planned trials, never at outcomes.

e-BH: for a list to be read (which of these 40 languages differ?) one bounds the expected share of
false entries. Of K e-values the r largest are named, r the largest number whose r-th e-value is at
least K / (alpha r). Holds under any dependence.

Wang & Ramdas (2022), J. R. Stat. Soc. B 84(3), 822-852. Vovk & Wang (2021), Ann. Stat. 49(3), 1736-1754.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def budget_shares(alpha: float, weights: ArrayLike) -> NDArray[np.float64]:
    """The budget alpha split in proportion to ``weights`` > 0; (strata,).

    >>> budget_shares(0.01, [1, 3]).tolist()
    [0.0025, 0.0075]
    """
    w = np.asarray(weights, float)
    if not 0 < alpha < 1 or np.any(~(w > 0)):
        raise ValueError(f"need 0 < alpha < 1 and weights > 0, got {alpha} and {w}")
    return np.asarray(alpha * w / w.sum())


def e_bh(e_values: ArrayLike, alpha: float) -> NDArray[np.bool_]:
    """Which of the e-values (K,) are named at false discovery rate ``alpha``.

    >>> e_bh([90, 45, 12, 1], 0.1).tolist()
    [True, True, False, False]
    """
    e = np.asarray(e_values, float)
    if not 0 < alpha < 1 or np.any(~(e >= 0)):
        raise ValueError(f"need 0 < alpha < 1 and e-values >= 0, got {alpha} and {e}")
    falling = np.sort(e)[::-1]
    enough = np.flatnonzero(falling * np.arange(1, e.size + 1) >= e.size / alpha)
    return e >= falling[enough[-1]] if enough.size else np.zeros(e.shape, bool)


def e_value_of(log_p: ArrayLike) -> NDArray[np.float64]:
    """An e-value from a p-value given as its log: 1 / (2 sqrt(p)), whose mean under the null is 1.

    What would not fit a float is 5e303, which is less and so still an e-value.

    >>> float(e_value_of(np.log(1e-4)).round(9))
    50.0
    """
    return np.asarray(0.5 * np.exp(np.minimum(-0.5 * np.asarray(log_p, float), 700.0)))
