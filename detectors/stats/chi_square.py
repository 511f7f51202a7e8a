"""Cochran's chi-square of two by two tables in layers: how far is a window from its reference?

Cheap: what the exact scan looks at first (``panel.py``). One layer is Pearson's own statistic.

Domain: counts 0 <= k <= n, 0 <= K <= N; 0 where nothing varies.

Cochran (1954), Some methods for strengthening the common chi-square tests, Biometrics 10(4), 417-451.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]


def chi_square(window: Reals, reference: Reals) -> Reals:
    """(sum k - sum E)^2 / sum Var over layers; arrays (due, layers, strata), result (due, strata)."""
    k, n = window
    big_k, big_n = reference
    inverse = 1 / np.maximum(n + big_n, 1)
    share = (k + big_k) * inverse
    expected = n * share
    difference = k - expected
    share -= 1
    expected *= share
    inverse *= big_n
    expected *= inverse  # minus the variance
    squares = np.square(_over_layers(difference))
    return np.asarray(squares / np.maximum(-_over_layers(expected), np.finfo(float).tiny))


def _over_layers(values: Reals) -> Reals:
    return values[:, 0] if values.shape[1] == 1 else np.asarray(values.sum(axis=1))
