"""Which tool follows which: an exact scan in every cell of a transition table.

Cell (i, j): of the conversations that visit tool i, the share whose chosen exit goes to j. A
conversation counts once in row i, at one of its exits picked without regard to where it goes: all
its exits are not independent, and counting them alarms on conversations that are merely long.

The budget is shared over the cells of rows that the reference knows. A transition never seen before
is found like any other: 0 of N in the reference is a rate too. A row that the reference has never
visited has nothing to compare with and is not tested: report it as new.
"""

from __future__ import annotations

import json
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from detectors.stats.exact_scan import ExactScan


class TransitionTable:
    """``reference`` (tools, tools): conversations by tool visited and exit chosen.

    ``conversations_per_tick``, scalar or (tools,), is planned. Other arguments as for ``ExactScan``.

    >>> table = TransitionTable([[80, 20, 0], [10, 0, 90], [0, 0, 0]], 1000, 16)
    >>> alarms = [table.update([[8, 2, 6], [2, 0, 14], [0, 0, 0]]) for _ in range(5)]
    >>> np.argwhere(np.any(alarms, axis=0)).tolist()
    [[0, 2]]
    """

    def __init__(
        self,
        reference: ArrayLike,
        ticks_per_budget: int,
        conversations_per_tick: ArrayLike,
        false_alarm_budget: float = 0.01,
        odds_margin: float = 1.0,
    ) -> None:
        counts = np.asarray(reference)
        if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.any():
            raise ValueError(f"need a square table with counts, got shape {counts.shape}")
        self._reference = counts
        self.tested: NDArray[np.bool_] = np.broadcast_to(counts.sum(axis=1)[:, None] > 0, counts.shape)
        planned = np.broadcast_to(np.asarray(conversations_per_tick, float), counts.shape[:1])
        self._scan = ExactScan(
            counts[self.tested],
            self._rows(counts),
            ticks_per_budget,
            np.broadcast_to(planned[:, None], counts.shape)[self.tested],
            false_alarm_budget,
            odds_margin,
        )

    def update(self, counts: ArrayLike) -> NDArray[np.bool_]:
        """One tick of ``counts`` (tools, tools); which cells alarm, same shape."""
        table = np.asarray(counts)
        alarms = np.zeros(self.tested.shape, bool)
        alarms[self.tested] = self._scan.update(table[self.tested], self._rows(table))
        return alarms

    @property
    def log_p_over_threshold(self) -> NDArray[np.float64]:
        """How near each cell is to an alarm (<= 0); inf where it is not tested."""
        distance = np.full(self.tested.shape, np.inf)
        distance[self.tested] = self._scan.evidence.log_p_over_threshold
        return distance

    def to_json(self) -> str:
        """State; see ``from_json``."""
        return json.dumps({"reference": self._reference.tolist(), "scan": self._scan.to_json()})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of ``to_json``."""
        saved = json.loads(text)
        table = cls(saved["reference"], 1, 1)
        table._scan = ExactScan.from_json(saved["scan"])
        return table

    def _rows(self, table: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.broadcast_to(table.sum(axis=1)[:, None], table.shape)[self.tested]
