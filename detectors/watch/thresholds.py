"""Which values of a measurement count as events: those above quantiles of what was measured first.

The first ``SAMPLE`` values of a stratum fix its thresholds, and only later values are counted, in the
baseline as in live traffic: a sample exceeds its own quantiles by construction, not by chance.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from detectors.features.exceedances import exceedances
from detectors.records.baseline import Threshold
from detectors.records.measurement import Measurement
from detectors.records.observation import Observation
from detectors.stats.quantile_exceedance import QUANTILES
from detectors.watch.open_tick import Series

SAMPLE = 500


class Thresholds:
    """By behaviour, stratum and model."""

    def __init__(self) -> None:
        self._values: dict[Series, list[float]] = {}
        self._fixed: dict[Series, dict[float, float]] = {}

    def observations(self, measurement: Measurement, model: str) -> Iterator[Observation]:
        """One a quantile; none while the thresholds are still being learned, for which the value is taken."""
        series: Series = (measurement.feature, measurement.stratum, model)
        if series in self._fixed:
            yield from exceedances(measurement, self._fixed[series])
            return
        values = self._values.setdefault(series, [])
        values.append(measurement.value)
        if len(values) == SAMPLE:
            found = np.quantile(self._values.pop(series), QUANTILES)
            self._fixed[series] = dict(zip(QUANTILES, found.tolist(), strict=True))

    def fixed(self) -> list[Threshold]:
        """Every threshold that is known."""
        return [
            Threshold(*series, quantile, value)
            for series, thresholds in sorted(self._fixed.items())
            for quantile, value in thresholds.items()
        ]

    def take(self, thresholds: tuple[Threshold, ...]) -> None:
        """Uses these in the place of what was learned."""
        self._values, self._fixed = {}, {}
        for one in thresholds:
            self._fixed.setdefault((one.behaviour, one.stratum, one.model), {})[one.quantile] = one.value

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "values": [[*series, values] for series, values in self._values.items()],
            "fixed": [[*series, list(fixed.items())] for series, fixed in self._fixed.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._values = {(b, s, m): list(values) for b, s, m, values in state["values"]}
        self._fixed = {(b, s, m): dict(map(tuple, fixed)) for b, s, m, fixed in state["fixed"]}
