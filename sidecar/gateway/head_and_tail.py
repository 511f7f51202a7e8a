"""The beginning and the end of a body of any length, in bounded memory."""

from __future__ import annotations

from collections import deque

CHUNK_OVERHEAD_BYTES = 64
"""Allowance for a chunk's own object and its place in a list: a body may come byte by byte."""


class HeadAndTail:
    """Keeps the first ``head_bytes`` and the last ``tail_bytes`` of what is added.

    ``tail_bytes`` is at least 1. Chunks are kept by reference; one is cut only where it
    crosses a limit.
    ``received_bytes`` counts everything that was added.
    """

    __slots__ = ("_head", "_head_limit", "_tail", "_tail_bytes", "_tail_limit", "received_bytes")

    def __init__(self, head_bytes: int, tail_bytes: int) -> None:
        self.received_bytes = 0
        self._head: list[bytes] = []
        self._head_limit = head_bytes
        self._tail: deque[bytes] | None = None  # until the head is full
        self._tail_bytes = 0
        self._tail_limit = tail_bytes

    def add(self, data: bytes) -> int:
        """Takes the next bytes. Returns by how much the memory held has grown, overhead included."""
        size = len(data)
        self.received_bytes += size
        if self.received_bytes <= self._head_limit:
            self._head.append(data)
            return size + CHUNK_OVERHEAD_BYTES
        return self._add_past_head(data)

    def _add_past_head(self, data: bytes) -> int:
        grown = CHUNK_OVERHEAD_BYTES
        room = self._head_limit - (self.received_bytes - len(data))
        if room > 0:
            self._head.append(data[:room])
            grown += room + CHUNK_OVERHEAD_BYTES
            data = data[room:]
        limit = self._tail_limit
        if len(data) > limit:
            data = data[-limit:]
        size = len(data)
        grown += size
        tail = self._tail
        if tail is None:
            tail = self._tail = deque()
        tail.append(data)
        spare = self._tail_bytes + size - limit
        while spare >= len(tail[0]):
            gone = len(tail.popleft())
            spare -= gone
            grown -= gone + CHUNK_OVERHEAD_BYTES
        self._tail_bytes = spare + limit
        return grown

    def pieces(self) -> tuple[list[bytes], int, int]:
        """(what is kept, bytes of it before the cut, bytes cut out)."""
        if not self._tail:
            return self._head, self.received_bytes, 0
        tail = b"".join(self._tail)[-self._tail_limit :]
        return [*self._head, tail], self._head_limit, self.received_bytes - self._head_limit - len(tail)
