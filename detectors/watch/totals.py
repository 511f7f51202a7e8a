"""What has counted in every stratum since the last promotion, judged or not: for what is shown, and for gaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from detectors.watch.layered import whole
from detectors.watch.open_tick import Series, TickCounts


class Totals:
    """``row(behaviour, stratum)`` is the row that a stratum's trials are counted in."""

    def __init__(self, row: Callable[[str, str], str]) -> None:
        self._row = row
        self._trials: dict[Series, int] = {}
        self._events: dict[Series, int] = {}

    def update(self, counts: TickCounts) -> None:
        """One closed tick."""
        for total, more in ((self._trials, counts.trials), (self._events, counts.events)):
            for layer, count in more.items():
                series = whole(layer)
                total[series] = total.get(series, 0) + count

    def __iter__(self) -> Iterator[tuple[Series, int, int]]:
        """(stratum, events, trials) of every stratum, in order; of outcomes only those that happened."""
        of_events = {series: (series[0], self._row(series[0], series[1]), series[2]) for series in self._events}
        rows_of_outcomes = {row for series, row in of_events.items() if row != series}
        for series in sorted({*self._trials, *self._events} - rows_of_outcomes):
            yield series, self._events.get(series, 0), self._trials.get(of_events.get(series, series), 0)

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "trials": [[*series, count] for series, count in self._trials.items()],
            "events": [[*series, count] for series, count in self._events.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._trials = {(b, s, m): count for b, s, m, count in state["trials"]}
        self._events = {(b, s, m): count for b, s, m, count in state["events"]}
