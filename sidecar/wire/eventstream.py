"""Amazon's event stream, incrementally: the same three verbs as ``sse``, one event a frame.

A frame, numbers big-endian (Smithy specification, "Amazon Event Stream Specification"):

    total length (uint32) | headers length (uint32) | CRC32 of these 8 bytes
    headers | payload | CRC32 of everything before

    header: name length (uint8) | name | type (uint8) | value; type 7 is a string: length (uint16) | UTF-8

``:message-type`` says what a frame is. An event comes out as JSON, ``{"<:event-type>": payload}``,
as the SDKs' types have it, an exception or error as ``{"error": {"type": its name}}``.

A frame with a wrong checksum is dropped and counted. Where the lengths' own checksum is wrong
nobody knows the next frame, and reading goes on where a header ``:event-type`` begins one.
"""

from __future__ import annotations

import json
import struct
from binascii import crc32

MAX_FRAME_BYTES = (16 << 20) + (128 << 10) + 16

_PRELUDE = struct.Struct(">III")
_FIRST_HEADER = b"\x0b:event-type\x07"
_MAX_TRIES = 1000
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Length of the values that have one: true, false, byte, short, integer, long, timestamp, UUID."""


class EventStreamParser:
    """One stream. Past ``max_events`` frames it is ``full``: nothing more is read."""

    __slots__ = ("_block", "_event_start", "_events_left", "_pending", "_resyncing", "_tries_left", "oversized")

    def __init__(self, max_events: int = 1 << 20) -> None:
        self.oversized = 0  # and otherwise unreadable
        self._events_left = max_events
        self._tries_left = _MAX_TRIES
        self._pending = b""
        self._resyncing = False
        # The headers of the last event, mostly those of the next too, and how it begins in JSON.
        self._block = b""
        self._event_start: bytes | None = b'{"":'

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return self._events_left <= 0 or self._tries_left <= 0

    def feed(self, data: bytes) -> list[bytes]:
        """The events that ``data`` completes."""
        pending = self._pending + data
        events: list[bytes] = []
        at, room = 0, len(pending) - _PRELUDE.size
        while self._events_left > 0:
            if self._resyncing:
                at = self._beginning(pending, at)
            if not 0 <= at <= room:
                break
            total, headers_bytes, _ = _PRELUDE.unpack_from(pending, at)
            payload_at, payload_end = at + _PRELUDE.size + headers_bytes, at + total - 4
            # The frame's checksum covers the lengths too. Theirs is looked at where that does not hold, or is not there.
            whole = payload_at <= payload_end <= len(pending) - 4 and (
                crc32(pending[at:payload_end]).to_bytes(4, "big") == pending[payload_end : at + total]
            )
            if not whole:
                if not _fits(pending, at):
                    self.oversized += 1
                    self._resyncing = True
                    continue
                if at + total > len(pending):
                    break
            event = None
            if whole:
                block, payload = pending[at + _PRELUDE.size : payload_at], pending[payload_at:payload_end] or b"{}"
                if block == self._block and self._event_start:
                    event = self._event_start + payload + b"}"
                else:
                    event = self._event(block, payload)
            at += total
            self._events_left -= 1
            if event is None:
                self.oversized += 1
            else:
                events.append(event)
        self._pending = b"" if self.full else pending[at:] if at >= 0 else pending[-_PRELUDE.size - 16 :]
        return events

    blocks = feed

    def data(self, block: bytes) -> bytes:
        """An event of ``blocks`` is its data."""
        return block

    def gap(self) -> None:
        """Bytes are missing here: reading starts at the next frame that can be found."""
        self._pending = b""
        self._resyncing = True

    def close(self) -> list[bytes]:
        """Nothing: a frame that was cut has no checksum, and half a payload is no JSON."""
        self._pending = b""
        return []

    def _event(self, block: bytes, payload: bytes) -> bytes | None:
        """An event whose headers are not those of the one before."""
        self._block, headers = block, _headers(block)
        self._event_start = None
        if headers is None:
            return None
        if headers.get(":message-type") in ("exception", "error"):
            name = headers.get(":exception-type") or headers.get(":error-code") or ""
            self._block = b""
            return json.dumps({"error": {"type": name}}).encode()
        self._event_start = b"{" + json.dumps(headers.get(":event-type", "")).encode() + b":"
        return self._event_start + payload + b"}"

    def _beginning(self, pending: bytes, at: int) -> int:
        """Where the next frame begins, -1 where none is found."""
        while self._tries_left > 0:
            found = pending.find(_FIRST_HEADER, at + _PRELUDE.size)
            if found < 0:
                return -1
            at = found - _PRELUDE.size
            if _fits(pending, at):
                self._resyncing = False
                return at
            at += 1
            self._tries_left -= 1
        return -1


def _fits(pending: bytes, at: int) -> bool:
    """Whether a frame can begin here."""
    total, headers_bytes, checksum = map(int, _PRELUDE.unpack_from(pending, at))
    return headers_bytes + 16 <= total <= MAX_FRAME_BYTES and checksum == crc32(pending[at : at + 8])


def _headers(block: bytes) -> dict[str, str] | None:
    """Headers that are strings. None where the block is not made of headers."""
    headers = {}
    at = 0
    try:
        while at < len(block):
            name = block[at + 1 : at + 1 + block[at]]
            at += 1 + block[at]
            kind = block[at]
            at += 1
            if kind in _FIXED_BYTES:
                at += _FIXED_BYTES[kind]
                continue
            length = int.from_bytes(block[at : at + 2], "big")
            if kind == 7:
                headers[name.decode("utf-8", "replace")] = block[at + 2 : at + 2 + length].decode("utf-8", "replace")
            at += 2 + length
    except IndexError:
        return None
    return headers
