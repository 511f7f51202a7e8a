"""Counts of the last w blocks for every window length, in bounded memory.

A window's counts are the running total minus the running total at its start. A length that is
tested every g blocks needs the totals of every g-th block only, so each pair (stride, phase)
keeps a ring of about w / g totals: some 220 for windows of up to 43,200 blocks.

Totals are kept modulo 2^32: differences are right while a window holds fewer trials than that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detectors.stats.windows import Plan

Counts = NDArray[np.int64]


class PrefixCounts:
    """Running totals of arrays of ``shape``, remembered where a window of ``plan`` will start."""

    def __init__(self, plan: Plan, shape: tuple[int, ...]) -> None:
        self.plan = plan
        self.blocks = 0
        self.total: Counts = np.zeros(shape, np.int64)
        sizes: dict[tuple[int, int], int] = {}
        for length, stride in zip(plan.lengths, plan.strides, strict=True):
            ring = (stride, -length % stride)
            sizes[ring] = max(sizes.get(ring, 0), length // stride + 1)
        starts = np.cumsum([0, *sizes.values()])
        self._rings = {ring: (int(start), size) for (ring, size), start in zip(sizes.items(), starts, strict=False)}
        self.kept = np.zeros((int(starts[-1]), *shape), np.uint32)

    def append(self, block: Counts) -> None:
        """Adds the counts of one closed block."""
        self.total += block
        self.blocks += 1
        for stride, phase in self._rings:
            if self.blocks % stride == phase:
                self.kept[self._slot(stride, phase, self.blocks)] = self.total.astype(np.uint32)

    def due(self) -> list[int]:
        """Indices of the lengths whose test falls due at the block that closed last."""
        pairs = zip(self.plan.lengths, self.plan.strides, strict=True)
        return [i for i, (length, stride) in enumerate(pairs) if self.blocks >= length and self.blocks % stride == 0]

    def windows(self, due: list[int]) -> NDArray[np.uint32]:
        """Counts of the last ``plan.lengths[i]`` blocks, i in ``due``; shape (len(due), *shape)."""
        slots = [
            self._slot(
                self.plan.strides[i],
                -self.plan.lengths[i] % self.plan.strides[i],
                self.blocks - self.plan.lengths[i],
            )
            for i in due
        ]
        return self.total.astype(np.uint32) - self.kept[slots]

    def _slot(self, stride: int, phase: int, position: int) -> int:
        start, size = self._rings[stride, phase]
        return start + (position - phase) // stride % size
