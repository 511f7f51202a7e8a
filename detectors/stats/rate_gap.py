"""How far apart are two rates, in points, and is that more than a limit?

Each rate has a confidence sequence, which holds at every look; where the classifier has been measured in the
stratum, its ends are carried through p = (observed + Sp - 1) / (Se + Sp - 1) at the corners of the
Clopper-Pearson bounds of Se and Sp: p falls with Se and rises with Sp and with the observed rate. The gap's
interval is that of the two ends furthest apart, so it is conservative.

``exceeded``      the estimate is beyond the limit, in either direction, and the interval is clear of 0
``watch``         the estimate is within the limit, but the interval reaches beyond it
``ok``            the whole interval is within the limit
``insufficient``  the interval cannot tell a gap of the limit from none: its half is wider than the limit, or
                  a rate rests on fewer than ``LEAST`` trials

Domain: whole numbers 0 <= events <= trials; 0 < limit < 1; 0 < alpha < 1.

Rogan & Gladen (1978), Am. J. Epidemiol. 107(1), 71-76.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from detectors.records.calibration import Calibration
from detectors.stats.classifier_error import LEAST_INFORMATION, corrected
from detectors.stats.clopper_pearson import lower_bound, upper_bound
from detectors.stats.confidence_sequence import confidence_sequence

LEAST = 30

GapState = Literal["ok", "watch", "exceeded", "insufficient"]
GAP_STATES: tuple[GapState, ...] = get_args(GapState)


@dataclass(frozen=True, slots=True)
class Counted:
    """``events`` in ``trials``, by a classifier that was measured (``calibration``) or not (None)."""

    events: int
    trials: int
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.trials:
            raise ValueError(f"need 0 <= events <= trials, got {self.events} of {self.trials}")


@dataclass(frozen=True, slots=True)
class RateGap:
    """A rate minus the anchor's, as differences of rates in [-1, 1]; multiply by 100 for points.

    ``calibrated``: both rates are corrected for the classifier's errors. ``estimate`` is nan without trials.
    """

    estimate: float
    low: float
    high: float
    state: GapState
    calibrated: bool


def rate_gap(stratum: Counted, anchor: Counted, limit: float, alpha: float = 0.05) -> RateGap:
    """The gap of ``stratum`` to ``anchor``, its interval holding at every moment with probability 1 - ``alpha``.

    Both rates are corrected or neither: a gap of one corrected rate to a raw one would mean nothing.

    >>> gap = rate_gap(Counted(420, 2000), Counted(100, 2000), limit=0.10)
    >>> round(gap.estimate, 3), round(gap.low, 3), round(gap.high, 3), gap.state
    (0.16, 0.104, 0.214, 'exceeded')
    """
    if not (0 < limit < 1 and 0 < alpha < 1):
        raise ValueError(f"need 0 < limit < 1 and 0 < alpha < 1, got {limit} and {alpha}")
    calibrated = _informative(stratum.calibration, alpha) and _informative(anchor.calibration, alpha)
    point, low, high = _rate(stratum, alpha / 2, calibrated=calibrated)
    anchor_point, anchor_low, anchor_high = _rate(anchor, alpha / 2, calibrated=calibrated)
    estimate, low, high = point - anchor_point, low - anchor_high, high - anchor_low
    return RateGap(estimate, low, high, _state(stratum, anchor, (estimate, low, high), limit), calibrated)


def gap_drift(live: RateGap, reference: RateGap) -> tuple[float, float, float]:
    """(estimate, low, high) of how the gap has moved since the baseline; each gap at half of the alpha wanted."""
    return live.estimate - reference.estimate, live.low - reference.high, live.high - reference.low


def _state(stratum: Counted, anchor: Counted, gap: tuple[float, float, float], limit: float) -> GapState:
    estimate, low, high = gap
    if min(stratum.trials, anchor.trials) < LEAST:
        return "insufficient"
    if abs(estimate) > limit and (low > 0 or high < 0):
        return "exceeded"
    if high - low > 2 * limit:
        return "insufficient"
    return "ok" if -limit <= low and high <= limit else "watch"


def _informative(calibration: Calibration | None, alpha: float) -> bool:
    if calibration is None or min(calibration.positives, calibration.negatives) == 0:
        return False
    bounds = _bounds(calibration, alpha / 2)
    return bounds[0][0] + bounds[1][0] - 1 >= LEAST_INFORMATION


def _bounds(calibration: Calibration, alpha: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """(low, high) of sensitivity and of specificity, each at ``alpha`` / 4."""
    beta = alpha / 8
    sensitivity, specificity = (
        (float(lower_bound(k, n, beta)), float(upper_bound(k, n, beta)))
        for k, n in ((calibration.detected, calibration.positives), (calibration.cleared, calibration.negatives))
    )
    return sensitivity, specificity


def _rate(counted: Counted, alpha: float, *, calibrated: bool) -> tuple[float, float, float]:
    """(estimate, low, high); half of ``alpha`` goes to the counts where the other half is the classifier's."""
    point = counted.events / counted.trials if counted.trials else float("nan")
    if not calibrated or counted.calibration is None:
        low, high = confidence_sequence(counted.events, counted.trials, alpha)
        return point, float(low), float(high)
    low, high = confidence_sequence(counted.events, counted.trials, alpha / 2)
    sensitivity, specificity = _bounds(counted.calibration, alpha)
    return (
        float(corrected(point, counted.calibration.sensitivity, counted.calibration.specificity)),
        float(corrected(low, sensitivity[1], specificity[0])),
        float(corrected(high, sensitivity[0], specificity[1])),
    )
