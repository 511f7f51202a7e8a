"""The same question asked twice: do flips go one way?

Of pairs that differ, b went from pass to fail and c from fail to pass. Without a change either
direction is a fair coin, whatever the questions' difficulty; the Beta(1/2, 1/2) mixture gives

    e = 2^(b + c) B(b + 1/2, c + 1/2) / B(1/2, 1/2),

a test martingale: evidence against "no change" that may be looked at after every pair. It ever reaches
1 / alpha with probability at most alpha. One pair a family and epoch: two of a family are not independent.

McNemar (1947), Psychometrika 12(2), 153-157, is the fixed-sample form.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaln


def log_e_value(flips_to_fail: ArrayLike, flips_to_pass: ArrayLike) -> NDArray[np.float64]:
    """The log of e of the counts, which broadcast; 0 without flips.

    >>> [bool(log_e_value(b, 0) >= np.log(20)) for b in (6, 7)]
    [False, True]
    """
    b, c = np.asarray(flips_to_fail, float), np.asarray(flips_to_pass, float)
    if np.any((b < 0) | (c < 0)):
        raise ValueError(f"need counts >= 0, got {b} and {c}")
    return np.asarray((b + c) * np.log(2) + betaln(b + 0.5, c + 0.5) - betaln(0.5, 0.5))
