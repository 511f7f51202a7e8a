"""Bytes of an event that is not complete yet, within bounds: what ``sse`` and ``ndjson`` have in common."""

from __future__ import annotations

MAX_EVENT_BYTES = 8 << 20
MAX_EVENTS = 1 << 20


class EventBuffer:
    """``oversized`` counts events past ``max_event_bytes``, which are dropped. Past ``max_events`` it is ``full``."""

    __slots__ = (
        "_events_left",
        "_max_event_bytes",
        "_pending",
        "_pending_bytes",
        "_resyncing",
        "_skipping",
        "oversized",
    )

    def __init__(self, max_events: int = MAX_EVENTS, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self.oversized = 0
        self._events_left = max_events
        self._max_event_bytes = max_event_bytes
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._skipping = False  # within an event that is dropped
        self._resyncing = False  # before the first whole line after a gap

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return self._events_left <= 0

    def _completed(self, end: bytes) -> list[bytes]:
        """The events that end within what is pending; what follows the last ``end`` stays."""
        events = b"".join(self._pending).split(end, self._events_left)
        self._events_left -= len(events) - 1
        rest = events.pop()
        self._keep(rest if self._events_left > 0 else b"")
        if self._skipping:
            self._skipping = False
            del events[0]
        return events

    def _bound(self, kept_bytes: int) -> None:
        """Where too much is pending it is dropped up to its last ``kept_bytes``, and the rest of that event will be."""
        if self._pending_bytes > self._max_event_bytes:
            last = self._pending[-1]
            self._keep(last[len(last) - kept_bytes :])
            self.oversized += not self._skipping
            self._skipping = True

    def _keep(self, rest: bytes) -> None:
        self._pending = [rest] if rest else []
        self._pending_bytes = len(rest)
