"""Counts of the last w blocks for every window length, in bounded memory.

A window's counts are the running total minus the running total at its start. A block may be the start of
several windows to come; its total is kept until the last of these has been tested, in a slot that is then
used again. A length that is tested every g blocks needs every g-th block only, so no more than some
w / g totals a length are alive at once: 133 in all for windows of up to 43,200 blocks, 57 where the
lengths are powers of 2 and their starts coincide.

Totals are kept modulo 2^32: differences are right while a window holds fewer trials than that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.stats.windows import Plan

Counts = NDArray[np.int64]

SLOTS_AT_A_TIME = 4


class PrefixCounts:
    """Running totals of arrays of ``shape``, remembered where a window of ``plan`` will start."""

    def __init__(self, plan: Plan, shape: tuple[int, ...]) -> None:
        self.plan = plan
        self.blocks = 0
        self.total: Counts = np.zeros(shape, np.int64)
        self.kept = np.zeros((0, *shape), np.uint32)
        self._slots: dict[int, int] = {}
        self._unused: list[int] = []
        self._last_use: dict[int, list[int]] = {}
        self._keep()

    def append(self, block: Counts) -> None:
        """Adds the counts of one closed block."""
        for position in self._last_use.pop(self.blocks, ()):
            self._unused.append(self._slots.pop(position))
        self.total += block
        self.blocks += 1
        self._keep()

    def due(self) -> list[int]:
        """Indices of the lengths whose test falls due at the block that closed last."""
        pairs = zip(self.plan.lengths, self.plan.strides, strict=True)
        return [i for i, (length, stride) in enumerate(pairs) if self.blocks >= length and self.blocks % stride == 0]

    def windows(self, due: list[int]) -> NDArray[np.uint32]:
        """Counts of the last ``plan.lengths[i]`` blocks, i in ``due``; shape (len(due), *shape)."""
        slots = [self._slots[self.blocks - self.plan.lengths[i]] for i in due]
        return self.total.astype(np.uint32) - self.kept[slots]

    def forget(self, column: int) -> None:
        """All counts at ``column`` of the last axis become 0, as if there had been none."""
        self.kept[..., column] = 0
        self.total[..., column] = 0

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        positions = sorted(self._slots)
        return {
            "blocks": self.blocks,
            "total": self.total.tolist(),
            "positions": positions,
            "kept": self.kept[[self._slots[position] for position in positions]].tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self.blocks = state["blocks"]
        self.total[:] = state["total"]
        self.kept = np.array(state["kept"], np.uint32)
        self._slots = {position: slot for slot, position in enumerate(state["positions"])}
        self._unused, self._last_use = [], {}
        for position in self._slots:
            self._last_use.setdefault(self._last_use_of(position), []).append(position)

    def _keep(self) -> None:
        """Remembers the total now, if a window will start here."""
        last = self._last_use_of(self.blocks)
        if not last:
            return
        if not self._unused:
            more = np.zeros((SLOTS_AT_A_TIME, *self.total.shape), np.uint32)
            self._unused = list(range(len(self.kept), len(self.kept) + SLOTS_AT_A_TIME))
            self.kept = np.concatenate([self.kept, more])
        slot = self._unused.pop()
        self.kept[slot] = self.total.astype(np.uint32)
        self._slots[self.blocks] = slot
        self._last_use.setdefault(last, []).append(self.blocks)

    def _last_use_of(self, position: int) -> int:
        """The last block at which a window that starts after block ``position`` is tested, 0 if none is."""
        pairs = zip(self.plan.lengths, self.plan.strides, strict=True)
        return max((position + length for length, stride in pairs if (position + length) % stride == 0), default=0)
