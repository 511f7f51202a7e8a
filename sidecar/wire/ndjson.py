"""JSON lines, incrementally: the same three verbs as ``sse``, one event a line."""

from __future__ import annotations

from sidecar.wire.event_buffer import EventBuffer


class NdjsonParser(EventBuffer):
    r"""One stream. Empty lines are none; a line past ``max_event_bytes`` is dropped and counted.
    Past ``max_events`` lines it is ``full``: nothing more is read.

    >>> parser = NdjsonParser()
    >>> parser.feed(b'{"a":1}\r\n{"b"'), parser.feed(b":2}\n{"), parser.close()
    ([b'{"a":1}'], [b'{"b":2}'], [b'{'])
    """

    __slots__ = ()

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that ``data`` completes."""
        if self._events_left <= 0:
            return []
        if self._resyncing and data:
            self._resyncing = False
            self._skipping = not data.startswith(b"{")
        self._pending.append(data)
        self._pending_bytes += len(data)
        lines = self._completed(b"\n") if b"\n" in data else []
        self._bound(0)
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

    def _events(self, lines: list[bytes]) -> list[bytes]:
        events = [stripped for line in lines if (stripped := line.strip())]
        kept = [event for event in events if len(event) <= self._max_event_bytes]
        self.oversized += len(events) - len(kept)
        return kept
