"""A measurement against a baseline's thresholds: is it above the reference's median, .9, .99?

The thresholds of a stratum are quantiles of one half of its baseline (``stats.quantile_exceedance``),
and the baseline's counts come from the other half. A measurement becomes one observation a quantile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from detectors.records.measurement import Measurement
from detectors.records.observation import Observation


def stratum_at(stratum: str, quantile: float) -> str:
    """The stratum of the exceedances of ``quantile``.

    >>> stratum_at("4-7", 0.9)
    '4-7:q90'
    """
    return f"{stratum}:q{round(100 * quantile)}"


def exceedances(measurement: Measurement, thresholds: Mapping[float, float]) -> Iterator[Observation]:
    """One observation a quantile, 1.0 where the value is above it; ``thresholds`` maps quantile to value.

    >>> slow = Measurement("duration", "stream", 2.5, "c", None, 0.0)
    >>> [(seen.stratum, seen.value) for seen in exceedances(slow, {0.5: 1.0, 0.9: 2.0, 0.99: 8.0})]
    [('stream:q50', 1.0), ('stream:q90', 1.0), ('stream:q99', 0.0)]
    """
    for quantile, threshold in thresholds.items():
        yield Observation(
            feature=measurement.feature,
            stratum=stratum_at(measurement.stratum, quantile),
            value=float(measurement.value > threshold),
            conversation=measurement.conversation,
            user=measurement.user,
            at_s=measurement.at_s,
        )
