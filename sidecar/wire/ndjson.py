"""JSON lines, incrementally: the same three verbs as ``sse``, one event a line."""

from __future__ import annotations

from sidecar.wire.sse import MAX_EVENT_BYTES, MAX_EVENTS


class NdjsonParser:
    r"""One stream. Empty lines are none; a line past ``max_event_bytes`` is dropped and counted.
    Past ``max_events`` lines it is ``full``: nothing more is read.

    >>> parser = NdjsonParser()
    >>> parser.feed(b'{"a":1}\r\n{"b"'), parser.feed(b":2}\n{"), parser.close()
    ([b'{"a":1}'], [b'{"b":2}'], [b'{'])
    """

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
        self._skipping = False  # within an oversized line, or one that a gap cut
        self._resyncing = False

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return self._events_left <= 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes."""
        if self._events_left <= 0:
            return []
        if self._resyncing and data:
            self._resyncing = False
            self._skipping = not data.startswith(b"{")
        self._pending.append(data)
        self._pending_bytes += len(data)
        lines: list[bytes] = []
        if b"\n" in data:
            lines = b"".join(self._pending).split(b"\n", self._events_left)
            self._events_left -= len(lines) - 1
            rest = lines.pop()
            self._keep(rest if self._events_left > 0 else b"")
            if self._skipping:
                self._skipping = False
                del lines[0]
        if self._pending_bytes > self._max_event_bytes:
            self._keep(b"")
            self.oversized += not self._skipping
            self._skipping = True
        return self._events(lines)

    blocks = feed

    def data(self, block: bytes) -> bytes:
        """An event of ``blocks`` is its data."""
        return block

    def gap(self) -> None:
        """Bytes are missing here: reading starts at the next line that begins an object."""
        self._keep(b"")
        self._resyncing = True

    def close(self) -> list[bytes]:
        """The last line, where no line end came after it."""
        lines = [] if self._skipping else [b"".join(self._pending)]
        self._keep(b"")
        return self._events(lines)

    def _keep(self, rest: bytes) -> None:
        self._pending = [rest] if rest else []
        self._pending_bytes = len(rest)

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events = [stripped for line in lines if (stripped := line.strip())]
        kept = [event for event in events if len(event) <= self._max_event_bytes]
        self.oversized += len(events) - len(kept)
        return kept
