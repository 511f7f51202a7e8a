"""The board that all processes see: one block of shared memory, one writer a cell.

The supervisor writes ``observe``; each worker its state and heartbeat (a dead one's are put back
by the supervisor); the monitor its heartbeat. Heartbeats are ``time.monotonic()`` seconds, one clock on one machine.
"""

from __future__ import annotations

STARTING, ACCEPTING, DRAINING = 0.0, 1.0, 2.0

_OBSERVE, _MONITOR, _FIRST_WORKER = 0, 1, 2


class Board:
    """``cells`` is a writable view of float64.

    >>> board = Board(memoryview(bytearray(Board.size_bytes(2))).cast("d"))
    >>> board.set_worker(1, ACCEPTING, 12.5)
    >>> board.worker(1), board.worker(0)
    ((1.0, 12.5), (0.0, 0.0))
    """

    def __init__(self, cells: memoryview[float]) -> None:
        self.cells = cells

    @staticmethod
    def size_bytes(workers: int) -> int:
        """Bytes for so many workers."""
        return 8 * (_FIRST_WORKER + 2 * workers)

    @property
    def observe(self) -> bool:
        """Whether new exchanges may be looked at."""
        return self.cells[_OBSERVE] != 0.0

    @observe.setter
    def observe(self, value: bool) -> None:
        self.cells[_OBSERVE] = 1.0 if value else 0.0

    @property
    def monitor_beat_s(self) -> float:
        """When the monitor last said that it works."""
        return float(self.cells[_MONITOR])

    @monitor_beat_s.setter
    def monitor_beat_s(self, at_s: float) -> None:
        self.cells[_MONITOR] = at_s

    def worker(self, index: int) -> tuple[float, float]:
        """(state, heartbeat) of a worker."""
        at = _FIRST_WORKER + 2 * index
        return float(self.cells[at]), float(self.cells[at + 1])

    def set_worker(self, index: int, state: float, at_s: float) -> None:
        """A worker says how it is."""
        at = _FIRST_WORKER + 2 * index
        self.cells[at], self.cells[at + 1] = state, at_s
