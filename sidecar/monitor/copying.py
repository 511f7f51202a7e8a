"""How many exchanges were copied for the monitor, and how many of the copies were lost on their way."""

from __future__ import annotations

from sidecar.admin.status import Copies, DataPlaneView
from sidecar.monitor.reading import Reading
from sidecar.monitor.tally import Tally

_DROPPED = ("dropped_ring", "dropped_budget")
_LOST = (*_DROPPED, "failed")
_KEPT = ("sampled", "truncated")
_CAPTURES = "kilter_captures_total"


class Copying:
    """What the workers have counted, ``reading`` has lost off the rings, and ``tally`` has lost to errors of ours."""

    def __init__(self, data_plane: DataPlaneView, reading: Reading, tally: Tally) -> None:
        self._data_plane = data_plane
        self._reading = reading
        self._tally = tally
        self._told = self.counts()

    def counts(self) -> tuple[int, int]:
        """(kept, lost) copies since the processes' start. What is lost to a full ring, or to an error, depends on the answer."""
        total = self._data_plane.total
        lost = total(_CAPTURES, _LOST) + sum(self._reading.losses()) + self._tally.lost_to_errors
        return total(_CAPTURES, _KEPT), lost

    def more(self) -> tuple[int, int]:
        """The same since it was asked last, never below 0."""
        told, self._told = self._told, self.counts()
        kept, lost = (max(0, count - before) for count, before in zip(self._told, told, strict=True))
        return kept, lost

    def status(self, lag_s: float) -> Copies:
        """As a page shows it; ``lag_s`` is the age of the exchange last looked at."""
        return Copies(
            sampled=self._data_plane.total(_CAPTURES, ("sampled",)),
            dropped=self._data_plane.total(_CAPTURES, _DROPPED),
            inclusion_probability=self._data_plane.inclusion_probability(),
            ring_bytes=self._reading.unread_bytes(),
            read=self._tally.read,
            lost=sum(self._reading.losses()),
            failed=self._tally.lost_to_errors,
            lag_s=lag_s,
        )
