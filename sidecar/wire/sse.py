"""Server-sent events, incrementally: bytes come in as the network cut them, event data comes out.

WHATWG HTML, section 9.2 (server-sent events), as far as the model servers use it, and a
little more tolerant:

* a line ends with LF, CRLF or CR, also where a cut falls between CR and LF;
* ``data:`` with or without a space; several data lines of one event join with LF;
* an ``error:`` line alone is the data of an error;
* comments (lines that begin with ``:``), names, ids and unknown fields are passed over.
  Every format that names its events says the same again in the JSON, so names are not kept;
* an event without data is none; what stands after the last blank line is handed out by
  ``close``, since a stream that broke off there may have said its last word;
* an event past ``max_event_bytes`` is dropped and counted; past ``max_events`` blocks the
  parser is ``full`` and reads nothing more.

Bytes are not decoded here, so no character can be cut in two.
"""

from __future__ import annotations

from sidecar.wire.event_buffer import MAX_EVENT_BYTES, MAX_EVENTS, EventBuffer

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LINE_STARTS = (b"data", b"event", b"id", b"retry", b":", b"\n")


class SseParser(EventBuffer):
    r"""One stream.

    >>> parser = SseParser()
    >>> parser.feed(b"data: a\r\n\r"), parser.feed(b"\ndata: b\ndata:c\n\nda"), parser.close()
    ([b'a'], [b'b\nc'], [])
    """

    __slots__ = ("_after_cr",)

    def __init__(self, max_events: int = MAX_EVENTS, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        super().__init__(max_events, max_event_bytes)
        self._after_cr = False

    def feed(self, data: bytes) -> list[bytes]:
        """Data of the events that ``data`` completes."""
        return self._events(self.blocks(data))

    def blocks(self, data: bytes) -> list[bytes]:
        """The events that ``data`` completes, names and comments included: for ``data``."""
        if self._events_left <= 0:
            return []
        data = self._with_line_feeds(data)
        if self._resyncing:
            data = self._resynced(data)
        if not data:
            return []
        ends_line = self._pending_bytes > 0 and self._pending[-1].endswith(b"\n")
        self._pending.append(data)
        self._pending_bytes += len(data)
        # The last byte stays, always: it may be the first half of the blank line that ends the event.
        if b"\n\n" not in data and not (ends_line and data.startswith(b"\n")):
            self._bound(1)
            return []
        blocks = self._completed(b"\n\n")
        self._bound(1)
        return blocks

    def data(self, block: bytes) -> bytes | None:
        """Data of an event of ``blocks``; None where it has none, or too much."""
        event = block[6:] if block.startswith(b"data: ") and b"\n" not in block else _data(block)
        if event is not None and len(event) > self._max_event_bytes:
            self.oversized += 1
            return None
        return event

    def gap(self) -> None:
        """Bytes are missing here: what is pending is dropped, and reading starts at the next line."""
        self._keep(b"")
        self._skipping = self._after_cr = False
        self._resyncing = True

    def close(self) -> list[bytes]:
        """The data of an event that the stream's end cut short, if there is any."""
        block = b"" if self._skipping else b"".join(self._pending)
        self._keep(b"")
        return self._events([block])

    def _with_line_feeds(self, data: bytes) -> bytes:
        if self._after_cr and data:
            data = data.removeprefix(b"\n")  # the LF of a CRLF that was cut in two
            self._after_cr = False
        if b"\r" in data:
            self._after_cr = data.endswith(b"\r")
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def _resynced(self, data: bytes) -> bytes:
        """``data`` from its first whole line on. A line that begins like a field is taken for whole."""
        if not data.startswith(_LINE_STARTS):
            _, end, data = data.partition(b"\n")
            self._resyncing = not end
        else:
            self._resyncing = False
        return data

    def _events(self, blocks: list[bytes]) -> list[bytes]:
        return [event for block in blocks if (event := self.data(block)) is not None]


def _data(block: bytes) -> bytes | None:
    if b"data:" not in block:
        return _error(block)
    lines = [
        line[6:] if line.startswith(b" ", 5) else line[5:]
        for line in block.removeprefix(_BYTE_ORDER_MARK).split(b"\n")
        if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None


def _error(block: bytes) -> bytes | None:
    """Older builds of llama.cpp write an error as a field of its own."""
    return b'{"error":%b}' % block[6:] if block.startswith(b"error:") and b"\n" not in block else None
