"""One JSON array, incrementally: the same three verbs as ``sse``, one event an object in it.

Gemini streams its answer so unless asked for SSE; other servers answer several prompts with
an array. What in the array is no object is passed over.

Gemini's objects have lines of their own, and all but their first and last are indented: such an
object ends where a line begins with its bracket, and several that Gemini's separator parts are found
in one call. Of others only strings and brackets are looked at, one regular expression's match at a
time, and where a string goes on is remembered: the cost does not depend on where the network cut.
"""

from __future__ import annotations

import re

_STRING_REST = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+', re.DOTALL)
_NEXT = re.compile(rb'["\[\]{}]')
_TOKENS_AN_EVENT = 3
_OPENING, _CLOSING = b"{\n ", b"\n}"
_BETWEEN = _CLOSING + b"\n,\r\n" + _OPENING
"""Between two of Gemini's objects. Who parts them so has no others in them that begin and end at the margin."""

_MIN_WINDOW, _MAX_WINDOW = 4 << 10, 64 << 10
"""How much is searched for that at once: as long as it finds them, twice as much each time."""


def _block(whole: bytes) -> bytes:
    """An object without the bytes that are everywhere the same where lines are indented."""
    if whole.startswith(_OPENING) and whole.endswith(_CLOSING):
        return whole[len(_OPENING) : -len(_CLOSING)]
    return whole


class JsonArrayParser:
    """One array. Past ``max_events`` objects, or 3 times as many brackets and strings, it is ``full``.

    >>> parser = JsonArrayParser()
    >>> parser.feed(b'[{"a":"]"}'), parser.feed(b',\\n{"b":1},{'), parser.close()
    ([b'{"a":"]"}'], [b'{"b":1}'], [b'{'])
    """

    __slots__ = (
        "_at",
        "_depth",
        "_events_left",
        "_in_string",
        "_pending",
        "_resyncing",
        "_start",
        "_tokens_left",
        "_window",
    )

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
        self._window = _MIN_WINDOW

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return self._events_left <= 0 or self._tokens_left <= 0

    def feed(self, data: bytes) -> list[bytes]:
        """The objects that ``data`` completes."""
        return [self.data(block) for block in self.blocks(data)]

    def blocks(self, data: bytes) -> list[bytes]:
        """The objects that ``data`` completes, some without their first and last bytes: for ``data``."""
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
        done = self._at if self._depth < 2 else self._start
        self._pending = self._pending[done:]
        self._at -= done
        self._start -= done
        return events

    def data(self, block: bytes) -> bytes:
        """The object of one of ``blocks``."""
        return block if block.startswith(b"{") else _OPENING + block + _CLOSING

    def gap(self) -> None:
        """Bytes are missing here: reading starts at the next object that begins a line."""
        self._pending, self._at, self._in_string = b"", 0, False
        self._resyncing = True

    def close(self) -> list[bytes]:
        """The object that the end cut short, if there is one."""
        rest = self._pending[self._start :] if self._depth >= 2 and not self.full else b""
        self._pending = b""
        return [rest] if rest else []

    def _indented(self, pending: bytes, start: int, most: int) -> tuple[list[bytes], int] | None:
        """(blocks of the objects from ``start`` on, their end), where their lines are indented and the first is all there."""
        if not pending.startswith(_OPENING, start):
            return None
        end = pending.find(_CLOSING, start)
        if end < 0:
            return None
        if pending.startswith(_BETWEEN, end):
            inner_at = start + len(_OPENING)
            *inner, rest = pending[inner_at : inner_at + self._window].split(_BETWEEN, most)
            if inner:
                size = min(self._window, len(pending) - inner_at) - len(rest)
                self._window = min(2 * self._window, _MAX_WINDOW) if 2 * size > self._window else _MIN_WINDOW
                return inner, start + size
        end += len(_CLOSING)
        if pending.count(b"{", start, end) == pending.count(b"}", start, end):
            return [_block(pending[start:end])], end
        return None

    def _read(self) -> list[bytes]:
        """Reads as far as the bytes go: through each string, and to each bracket."""
        pending, at, depth, in_string = self._pending, self._at, self._depth, self._in_string
        events: list[bytes] = []
        tokens_left = self._tokens_left
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
                if depth == 1 and (indented := self._indented(pending, at - 1, self._events_left - len(events))):
                    blocks, at = indented
                    events += blocks
                    if len(events) == self._events_left:
                        break
                    continue
                depth += 1
                if depth == 2:
                    self._start = at - 1
            else:
                depth -= 1
                if depth == 1 and token == b"}":
                    events.append(_block(pending[self._start : at]))
                    if len(events) == self._events_left:
                        break
        self._events_left -= len(events)
        self._at, self._depth, self._in_string, self._tokens_left = at, depth, in_string, tokens_left
        return events
