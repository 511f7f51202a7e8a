"""Takes records off the rings in short slices, so that metrics and the page stay answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sidecar.gateway.ring import RingReader

SLICE_S = 0.02
BATCH = 32


class Reading:
    """``process`` gets each record; ``clock`` is monotonic seconds."""

    def __init__(
        self, rings: Sequence[RingReader], process: Callable[[bytes], None], clock: Callable[[], float]
    ) -> None:
        self._rings = tuple(rings)
        self._process = process
        self._clock = clock
        self._told = self.losses()

    def slice(self) -> bool:
        """Works for at most about ``SLICE_S``. Whether something may be left."""
        until = self._clock() + SLICE_S
        busy = True
        while busy and self._clock() < until:
            busy = False
            for ring in self._rings:
                records = ring.read(max_records=BATCH)
                busy = busy or bool(records)
                for record in records:
                    self._process(record)
        return busy

    def unread_bytes(self) -> int:
        """What waits in the rings."""
        return sum(ring.used_bytes for ring in self._rings)

    def losses(self) -> tuple[int, int]:
        """(damaged, lost) records since the rings were made."""
        return sum(ring.bad_crc for ring in self._rings), sum(ring.lost for ring in self._rings)

    def more_losses(self) -> tuple[int, int]:
        """The same since it was asked last, never below 0."""
        told, self._told = self._told, self.losses()
        damaged, lost = (max(0, count - before) for count, before in zip(self._told, told, strict=True))
        return damaged, lost
