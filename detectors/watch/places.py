"""Where the trials and events of a tick count among strata that are tested together.

A place is (reference, layer). Trials come by row: of a transition, the row is the step that one came from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from detectors.records.baseline import Reference
from detectors.watch.layered import whole
from detectors.watch.open_tick import Series
from detectors.watch.promotion import NEW

Place = tuple[int, int]


class Places:
    """``row(behaviour, stratum)`` is the row that a stratum's trials are counted in."""

    def __init__(self, references: Sequence[Reference], row: Callable[[str, str], str]) -> None:
        self._row = row
        self._by_row: dict[Series, list[Place]] = {}
        self._by_event: dict[Series, list[Place]] = {}
        self._strata: set[Series] = set()
        for at, reference in enumerate(references):
            for layer, part in enumerate(reference.layers):
                event = (reference.behaviour, part.stratum, reference.model)
                self._by_row.setdefault(self._row_of(event), []).append((at, layer))
                self._by_event.setdefault(event, []).append((at, layer))
                self._strata.add(whole(event))

    def of_row(self, row: Series) -> list[Place]:
        """In which the trials of a row count."""
        return self._by_row.get(row) or self._by_row.get(whole(row), [])

    def of_event(self, series: Series) -> list[Place]:
        """In which the stratum counts. An outcome that its row does not know counts as ``NEW``; a layer of a stratum that the
        baseline knows without layers counts in the stratum.
        """
        if series in self._by_event:
            return self._by_event[series]
        row = self._row_of(series)
        unknown = (row[0], f"{row[1]}>{NEW}", row[2])
        return self._by_event.get(unknown if row != series else whole(series), [])

    def knows(self, series: Series) -> bool:
        """Whether what is counted in this stratum is compared with anything."""
        return series in self._strata or bool(self.of_event(series))

    def _row_of(self, series: Series) -> Series:
        behaviour, stratum, model = series
        return behaviour, self._row(behaviour, stratum), model
