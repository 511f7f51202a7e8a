"""The overall rate at a fixed mix, and how much of a change is behaviour and how much is mix.

The crude overall rate moves when the mix of strata moves, though no stratum's rate has. The standardised
rate is sum W_s p_s with the reference's weights W_s; and the crude change splits without remainder,

    crude - crude_reference = sum W_s (p_s - p_s0) + sum (W'_s - W_s) p_s = behaviour + mix.

A stratum without live trials keeps its reference rate, so it adds nothing to behaviour; one that the
reference does not know has weight 0 there, and counts as mix.

Kitagawa (1955), J. Am. Stat. Assoc. 50(272), 1168-1194.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Rates in [0, 1]; ``behaviour`` + ``mix`` = ``crude`` - ``crude_reference``."""

    crude_reference: float
    crude: float
    standardised: float
    behaviour: float
    mix: float


def decompose(
    events: ArrayLike, trials: ArrayLike, reference_events: ArrayLike, reference_trials: ArrayLike
) -> Decomposition:
    """Counts (strata,). At least one trial on either side, else ValueError.

    >>> changed = decompose([10, 100], [500, 500], [16, 40], [800, 200])
    >>> round(changed.crude_reference, 6), round(changed.crude, 6), round(changed.behaviour, 6), round(changed.mix, 6)
    (0.056, 0.11, 0.0, 0.054)
    """
    k, n, k0, n0 = (np.asarray(value, float) for value in (events, trials, reference_events, reference_trials))
    if n.sum() < 1 or n0.sum() < 1:
        raise ValueError(f"need trials on either side, got {n.sum():.0f} and {n0.sum():.0f}")
    reference = k0 / np.maximum(n0, 1)
    live = np.where(n > 0, k / np.maximum(n, 1), reference)
    weights, live_weights = n0 / n0.sum(), n / n.sum()
    return Decomposition(
        crude_reference=float(weights @ reference),
        crude=float(live_weights @ live),
        standardised=float(weights @ live),
        behaviour=float(weights @ (live - reference)),
        mix=float((live_weights - weights) @ live),
    )
