"""One JSON array, incrementally: the same three verbs as ``sse``, one event an object in it.

Gemini streams its answer so unless asked for SSE; other servers answer several prompts with
an array. What in the array is no object is passed over.

Gemini's objects have lines of their own, and all but their first and last are indented: such an
object ends where a line begins with its bracket. Of others only strings and brackets are looked at, one regular expression's match at a time, and where
a string goes on is remembered: the cost does not depend on where the network cut the bytes.
"""

from __future__ import annotations

import re

_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_NEXT = re.compile(rb'["\[\]{}]')
_TOKENS_AN_EVENT = 3


def _pretty_end(pending: bytes, start: int) -> int:
    """Where an object ends whose lines are indented; 0 where it is none such, or not all there."""
    if not pending.startswith((b"{\n ", b"{\n\t"), start):
        return 0
    end = pending.find(b"\n}", start) + 2
    return end if end > 1 and pending.count(b"{", start, end) == pending.count(b"}", start, end) else 0


class JsonArrayParser:
    """One array. Past ``max_events`` objects, or 3 times as many brackets and strings, it is ``full``.

    >>> parser = JsonArrayParser()
    >>> parser.feed(b'[{"a":"]"}'), parser.feed(b',\\n{"b":1},{'), parser.close()
    ([b'{"a":"]"}'], [b'{"b":1}'], [b'{'])
    """

    __slots__ = ("_at", "_depth", "_events_left", "_in_string", "_pending", "_resyncing", "_start", "_tokens_left")

    oversized = 0  # an object may be as long as the copy

    def __init__(self, max_events: int = 1 << 20) -> None:
        self._events_left = max_events
        self._tokens_left = _TOKENS_AN_EVENT * max_events
        self._pending = b""
        self._at = 0  # read until here
        self._start = 0  # of the object that is open
        self._depth = 0  # brackets that are open: 1 between objects, 2 in one
        self._in_string = False
        self._resyncing = False

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return self._events_left <= 0 or self._tokens_left <= 0

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that ``data`` completes."""
        if self.full:
            return []
        self._pending += data
        if self._resyncing:
            # Objects of the array itself are not indented, in the one layout that breaks lines.
            start = self._pending.find(b"\n{")
            if start < 0:
                return []
            self._resyncing, self._depth = False, 1
            self._at = start + 1
        events = self._read()
        if self._depth < 2:
            self._pending, self._at = self._pending[self._at :], 0
        return events

    blocks = feed

    def data(self, block: bytes) -> bytes:
        """An event of ``blocks`` is its data."""
        return block

    def gap(self) -> None:
        """Bytes are missing here: reading starts at the next object that begins a line."""
        self._pending, self._at, self._in_string = b"", 0, False
        self._resyncing = True

    def close(self) -> list[bytes]:
        """The object that the end cut short, if there is one."""
        rest = self._pending[self._start :] if self._depth >= 2 and not self.full else b""
        self._pending = b""
        return [rest] if rest else []

    def _read(self) -> list[bytes]:
        """Reads as far as the bytes go: through each string, and to each bracket."""
        pending, at, depth, in_string = self._pending, self._at, self._depth, self._in_string
        tokens_left, events = self._tokens_left, []
        while tokens_left > 0:
            if in_string:
                rest = _STRING_REST.match(pending, at)
                at = rest.end() if rest else at
                if at >= len(pending) or pending[at] != 0x22:
                    break  # at the end, or before a backslash that ends the bytes
                at += 1
                in_string = False
            found = _NEXT.search(pending, at)
            if found is None:
                at = len(pending)
                break
            at = found.end()
            tokens_left -= 1
            token = found[0]
            if token == b'"':
                in_string = True
            elif token in b"[{":
                if depth == 1 and (end := _pretty_end(pending, at - 1)) > 0:
                    events.append(pending[at - 1 : end])
                    at = end
                    if len(events) == self._events_left:
                        break
                    continue
                depth += 1
                if depth == 2:
                    self._start = at - 1
            else:
                depth -= 1
                if depth == 1 and token == b"}":
                    events.append(pending[self._start : at])
                    if len(events) == self._events_left:
                        break
        self._events_left -= len(events)
        self._at, self._depth, self._in_string, self._tokens_left = at, depth, in_string, tokens_left
        return events
