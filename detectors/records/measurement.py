"""One quantity read off one exchange: a length or a time, before it becomes a yes or no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """``value`` >= 0, in the unit that its behaviour states, of ``feature`` in ``stratum``.

    The other fields are those of an ``Observation``. ``features.exceedances`` turns a measurement and a
    baseline's thresholds into observations.
    """

    feature: str
    stratum: str
    value: float
    conversation: str
    user: str | None
    at_s: float
