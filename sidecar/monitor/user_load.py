"""Are users being served? Read off the data plane's own counters, in shared memory: nobody is asked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from sidecar.admin.status import DataPlaneView

_INFLIGHT = "kilter_inflight_requests"
_FIRST_CHUNK = "kilter_time_to_first_chunk_seconds"
LOOKED_BACK_S = 30.0
QUANTILE = 0.95


class UserLoad:
    """Busy with more than ``inflight`` requests, or while the 95th percentile of time to first chunk, over the last half
    minute and more, is above ``first_chunk_s`` (0: not looked at), and while Kilter is ``paused()``: whoever pulled its
    switch wants nothing from it. ``clock``: seconds that never jump.
    """

    def __init__(
        self,
        data_plane: DataPlaneView,
        inflight: int,
        first_chunk_s: float,
        clock: Callable[[], float],
        paused: Callable[[], bool] = lambda: False,
    ) -> None:
        self._data_plane = data_plane
        self._inflight = inflight
        self._first_chunk_s = first_chunk_s
        self._clock = clock
        self._paused = paused
        self._earlier: deque[tuple[float, list[float]]] = deque()

    async def busy(self) -> bool:
        """Whether a canary would now stand in a user's way."""
        slow = self._first_chunk_s > 0 and self._slow()
        return slow or self._paused() or self._data_plane.total(_INFLIGHT) > self._inflight

    def _slow(self) -> bool:
        now_s = self._clock()
        bounds, counts = self._data_plane.buckets(_FIRST_CHUNK)
        while len(self._earlier) > 1 and self._earlier[1][0] <= now_s - LOOKED_BACK_S:
            self._earlier.popleft()
        before = self._earlier[0][1] if self._earlier else counts
        self._earlier.append((now_s, counts))
        return quantile(bounds, [now - then for now, then in zip(counts, before, strict=True)]) > self._first_chunk_s


def quantile(bounds: Sequence[float], counts: Sequence[float]) -> float:
    """Upper bound of the bucket that holds the 95th percentile, inf above all bounds, 0 where nothing was counted.

    >>> quantile((0.1, 1.0), (90, 10, 0)), quantile((0.1, 1.0), (95, 5, 0)), quantile((0.1, 1.0), (0, 0, 1))
    (1.0, 0.1, inf)
    """
    wanted, seen = QUANTILE * sum(counts), 0.0
    if wanted <= 0:
        return 0.0
    for bound, count in zip(bounds, counts, strict=False):
        seen += count
        if seen >= wanted:
            return bound
    return float("inf")
