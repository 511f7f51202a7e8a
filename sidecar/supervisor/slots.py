"""The shared memory of each worker, and one slot more than there are workers.

A ring and a block of counters have one writer each. A worker that is replaced goes on writing
while it drains, so its successor needs a slot of its own: the spare one, and the slot that the
old worker leaves is the spare of the next.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from sidecar import handover
from sidecar.gateway import counters as data_plane
from sidecar.gateway.ring import Ring


@dataclass(frozen=True, slots=True)
class Slot:
    """``index`` is its place on the board; the descriptors are inherited by its worker and by the monitor."""

    index: int
    counters_fd: int
    ring_fd: int
    wake_fd: int
    counters: data_plane.Counters
    ring: Ring

    @classmethod
    def make(cls, index: int, metrics: Sequence[data_plane.Metric], ring_bytes: int) -> Slot:
        """New, empty memory."""
        counters_fd = handover.memory(f"kilter-counters-{index}", data_plane.size_bytes(metrics))
        ring_fd = handover.memory(f"kilter-ring-{index}", Ring.size_for(ring_bytes))
        return cls(
            index=index,
            counters_fd=counters_fd,
            ring_fd=ring_fd,
            wake_fd=os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK),
            counters=data_plane.Counters(metrics, handover.mapped(counters_fd).cast("d")),
            ring=Ring(handover.mapped(ring_fd)),
        )

    @property
    def descriptors(self) -> tuple[int, int, int]:
        """All three."""
        return self.counters_fd, self.ring_fd, self.wake_fd
