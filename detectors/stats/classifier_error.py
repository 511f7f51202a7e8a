"""The rate behind an imperfect classifier, with the uncertainty of its error rates carried along.

A classifier of sensitivity Se and specificity Sp turns a rate p into p Se + (1 - p)(1 - Sp), hence
p = (observed + Sp - 1) / (Se + Sp - 1), clipped to [0, 1]. The interval draws Se, Sp and the observed
rate from their Beta(k + 1/2, n - k + 1/2) posteriors. Undefined (nan) when |Se + Sp - 1| < .01: the
classifier then says nothing about p. The drift detector itself runs on observed rates.

Assumes that live errors are those of the labelled sample; a language without one is ``uncalibrated``.

Rogan & Gladen (1978), Am. J. Epidemiol. 107(1), 71-76.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

LEAST_INFORMATION = 0.01
DRAWS = 4000


@dataclass(frozen=True, slots=True)
class LabelledSample:
    """``detected`` of ``positives`` and ``cleared`` of ``negatives`` were classified rightly."""

    detected: int
    positives: int
    cleared: int
    negatives: int


@dataclass(frozen=True, slots=True)
class CorrectedRate:
    """``rate`` with its ``low`` and ``high``; all nan where undefined."""

    rate: float
    low: float
    high: float


def corrected(observed: ArrayLike, sensitivity: ArrayLike, specificity: ArrayLike) -> NDArray[np.float64]:
    """Rates in [0, 1] of the broadcast shape, nan where the classifier says nothing.

    >>> round(float(corrected(0.14, 0.9, 0.95)), 6)
    0.105882
    """
    seen, se, sp = (np.asarray(value, float) for value in (observed, sensitivity, specificity))
    information = se + sp - 1
    says_something = np.abs(information) >= LEAST_INFORMATION
    rate = np.clip((seen + sp - 1) / np.where(says_something, information, 1.0), 0, 1)
    return np.where(says_something, rate, np.nan)


def corrected_rate(
    events: int, trials: int, sample: LabelledSample, rng: np.random.Generator, alpha: float = 0.05
) -> CorrectedRate:
    """Corrected rate of ``events`` in ``trials`` >= 1, with a 1 - alpha interval.

    Where the sample cannot tell the classifier from a coin (more than alpha / 2 of the draws say
    nothing, or the opposite) nothing is known, and everything is nan.
    """
    se, sp, seen = (
        rng.beta(k + 0.5, n - k + 0.5, DRAWS)
        for k, n in ((sample.detected, sample.positives), (sample.cleared, sample.negatives), (events, trials))
    )
    point = corrected(
        events / trials, sample.detected / max(sample.positives, 1), sample.cleared / max(sample.negatives, 1)
    )
    if np.mean(se + sp - 1 < LEAST_INFORMATION) > alpha / 2 or np.isnan(point):
        return CorrectedRate(np.nan, np.nan, np.nan)
    draws = corrected(seen, se, sp)
    low, high = np.nanquantile(draws, [alpha / 2, 1 - alpha / 2])
    return CorrectedRate(float(point), float(low), float(high))


def corrected_difference(
    live: tuple[int, int],
    reference: tuple[int, int],
    sample: LabelledSample,
    rng: np.random.Generator,
    alpha: float = 0.05,
) -> CorrectedRate:
    """Live minus reference, each (events, trials), judged by the same classifier: its errors are shared."""
    se, sp = (
        rng.beta(k + 0.5, n - k + 0.5, DRAWS)
        for k, n in ((sample.detected, sample.positives), (sample.cleared, sample.negatives))
    )
    if np.mean(se + sp - 1 < LEAST_INFORMATION) > alpha / 2:
        return CorrectedRate(np.nan, np.nan, np.nan)
    rates = [corrected(rng.beta(k + 0.5, n - k + 0.5, DRAWS), se, sp) for k, n in (live, reference)]
    low, middle, high = np.nanquantile(rates[0] - rates[1], [alpha / 2, 0.5, 1 - alpha / 2])
    return CorrectedRate(float(middle), float(low), float(high))
