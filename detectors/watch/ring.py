"""The last closed ticks of every stratum that is tested: what dates a change and gives recent rates."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT = 2048
Counts = NDArray[np.int64]


class TickRing:
    """Counts (strata, layers, 2), events and trials, of the last ``KEPT`` ticks and the ticks' own numbers."""

    def __init__(self, strata: int, layers: int) -> None:
        self._counts = np.zeros((KEPT, strata, layers, 2), np.uint32)
        self._indices = np.zeros(KEPT, np.int64)
        self._written = 0

    def append(self, index: int, counts: Counts) -> None:
        """One closed tick, in order."""
        at = self._written % KEPT
        self._counts[at] = counts
        self._indices[at] = index
        self._written += 1

    def of(self, stratum: int) -> Counts:
        """(ticks, layers, 2), oldest first."""
        return self._in_order(self._counts[:, stratum]).astype(np.int64)

    def indices(self) -> Counts:
        """The ticks' numbers, oldest first; one that is past the end is that of the tick to come."""
        return self._in_order(self._indices)

    def total(self) -> Counts:
        """(strata, layers, 2), of all that is kept."""
        return np.asarray(self._counts[: min(self._written, KEPT)].sum(axis=0, dtype=np.int64))

    def forget(self, stratum: int) -> None:
        """Counts of one stratum become 0."""
        self._counts[:, stratum] = 0

    def _in_order(self, values: NDArray[Any]) -> NDArray[Any]:
        if self._written <= KEPT:
            return values[: self._written]
        return np.roll(values, -(self._written % KEPT), axis=0)

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        kept = self._counts[: min(self._written, KEPT)]
        return {
            "counts": base64.b64encode(zlib.compress(kept.tobytes(), 1)).decode("ascii"),
            "indices": self._indices[: len(kept)].tolist(),
            "written": self._written,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._written = state["written"]
        count = len(state["indices"])
        raw = np.frombuffer(zlib.decompress(base64.b64decode(state["counts"])), np.uint32)
        self._counts[:count] = raw.reshape(count, *self._counts.shape[1:])
        self._indices[:count] = state["indices"]
