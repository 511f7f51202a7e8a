"""Pictures of the page, as numbers for inline SVG: a rate with its interval against a reference, evidence against a threshold.

Everything drawn is also said in words (``label``), for those who cannot see it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

RATE_PX = 180.0
EVIDENCE_PX = 90.0
_TOPS = (0.05, 0.1, 0.25, 0.5, 1.0)
_LEAST_BAND_PX = 2.0


@dataclass(frozen=True, slots=True)
class RateDrawing:
    """Places in px from the left, of ``RATE_PX``. ``reference`` and ``at`` are None where there is none."""

    band_at: float
    band_px: float
    at: float | None
    reference: float | None
    label: str


@dataclass(frozen=True, slots=True)
class EvidenceDrawing:
    """``px`` of ``EVIDENCE_PX`` are filled; all of them at an alarm."""

    px: float
    label: str


def top_of(rates: Iterable[float]) -> float:
    """The end of a scale from 0 on which all rates have room.

    >>> top_of([0.03, 0.12]), top_of([]), top_of([float("nan")])
    (0.25, 0.05, 0.05)
    """
    highest = max((rate for rate in rates if not math.isnan(rate)), default=0.0)
    return next((top for top in _TOPS if highest <= top), 1.0)


def rate_drawing(rate: float, low: float, high: float, reference: float, top: float) -> RateDrawing:
    """Rates in [0, 1], nan where there is none; ``top`` of the scale in (0, 1].

    >>> drawn = rate_drawing(0.05, 0.03, 0.08, 0.04, 0.1)
    >>> drawn.band_at, drawn.band_px, drawn.at, drawn.reference
    (54.0, 90.0, 90.0, 72.0)
    >>> drawn.label
    '5.0 %, between 3.0 % and 8.0 %; baseline 4.0 %; drawn from 0 to 10 %'
    """
    said = []
    band_at = band_px = 0.0
    if not math.isnan(low + high):
        band_at = _place(low, top)
        band_px = max(_LEAST_BAND_PX, _place(high, top) - band_at)
    if math.isnan(rate):
        said.append("nothing counted")
    else:
        said.append(f"{percent(rate)}, between {percent(low)} and {percent(high)}")
    if not math.isnan(reference):
        said.append(f"baseline {percent(reference)}")
    said.append(f"drawn from 0 to {100 * top:g} %")
    return RateDrawing(band_at, band_px, _or_none(rate, top), _or_none(reference, top), "; ".join(said))


def evidence_drawing(e_value: float, threshold: float) -> EvidenceDrawing | None:
    """On the scale of logarithms; None where nothing is known yet.

    >>> evidence_drawing(100.0, 10_000.0)
    EvidenceDrawing(px=45.0, label='2.0 of 4.0')
    >>> evidence_drawing(0.2, 10_000.0).px
    0.0
    """
    if not (e_value > 0 and threshold > 1):
        return None
    now, needed = math.log10(e_value), math.log10(threshold)
    return EvidenceDrawing(
        round(EVIDENCE_PX * min(max(now / needed, 0.0), 1.0), 1), f"{max(now, 0.0):.1f} of {needed:.1f}"
    )


def percent(rate: float) -> str:
    """In percent, one digit.

    >>> percent(0.0512)
    '5.1 %'
    """
    return f"{100 * rate:.1f} %"


def _place(rate: float, top: float) -> float:
    return round(RATE_PX * min(max(rate / top, 0.0), 1.0), 1)


def _or_none(rate: float, top: float) -> float | None:
    return None if math.isnan(rate) else _place(rate, top)
