"""What Kilter counted before and after a moment, stratum by stratum."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Series = tuple[str, str]
"""behaviour, stratum."""

Counts = Mapping[Series, tuple[float, float]]
"""(events, observations) since the start, all models."""


@dataclass(frozen=True, slots=True)
class Move:
    """Rates in [0, 1] and what they rest on."""

    behaviour: str
    stratum: str
    before: float
    n_before: float
    after: float
    n_after: float

    @property
    def points(self) -> float:
        """The difference in percentage points."""
        return 100 * (self.after - self.before)

    @property
    def standard_errors(self) -> float:
        """The difference in its own standard errors under "nothing changed"; 0 where nothing happened at all."""
        both = (self.before * self.n_before + self.after * self.n_after) / (self.n_before + self.n_after)
        variance = both * (1 - both) * (1 / self.n_before + 1 / self.n_after)
        return (self.after - self.before) / math.sqrt(variance) if variance else 0.0


def counts(exposition: str) -> Counts:
    """The counters of every behaviour and stratum in a ``/metrics`` page."""
    totals: dict[str, dict[Series, float]] = {"kilter_events": {}, "kilter_observations": {}}
    for family in text_string_to_metric_families(exposition):
        if family.name in totals:
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    series = (sample.labels["behaviour"], sample.labels["stratum"])
                    totals[family.name][series] = totals[family.name].get(series, 0.0) + sample.value
    return {
        series: (totals["kilter_events"].get(series, 0.0), trials)
        for series, trials in totals["kilter_observations"].items()
    }


def moves(before: Counts, end: Counts, least_n: int = 10) -> list[Move]:
    """Strata with at least ``least_n`` observations on both sides, most standard errors first.

    >>> moves({("b", "tr"): (1, 20)}, {("b", "tr"): (9, 40)})
    [Move(behaviour='b', stratum='tr', before=0.05, n_before=20, after=0.4, n_after=20)]
    """
    found = []
    for series, (events, trials) in end.items():
        events_before, trials_before = before.get(series, (0.0, 0.0))
        after = trials - trials_before
        if trials_before >= least_n and after >= least_n:
            rate = (events - events_before) / after
            found.append(Move(*series, events_before / trials_before, trials_before, rate, after))
    return sorted(found, key=lambda move: -abs(move.standard_errors))
