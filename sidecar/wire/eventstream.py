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
from collections.abc import Callable

MAX_FRAME_BYTES = (16 << 20) + (128 << 10) + 16

_PRELUDE = struct.Struct(">III")
_PRELUDE_BYTES = 12
_CHECKSUM = struct.Struct(">I")
_FIRST_HEADER = b"\x0b:event-type\x07"
_MAX_TRIES, _MAX_BEGUN = 1000, 1000
_FIXED_BYTES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Length of the values that have one: true, false, byte, short, integer, long, timestamp, UUID."""


Envelope = Callable[[str, list[bytes]], list[bytes]]
"""(type of events, their payloads) → the events, as many."""


def named(event_type: str, payloads: list[bytes]) -> list[bytes]:
    """Each payload under its type."""
    start = b"{" + json.dumps(event_type).encode() + b":"
    return [start + payload + b"}" for payload in payloads]


class EventStreamParser:
    """One stream. Past ``max_events`` frames it is ``full``: nothing more is read."""

    __slots__ = (
        "_begun",
        "_block",
        "_envelope",
        "_event_type",
        "_events_left",
        "_pending",
        "_resyncing",
        "_tries_left",
        "oversized",
    )

    def __init__(self, max_events: int = 1 << 20, envelope: Envelope = named) -> None:
        self._envelope = envelope
        self.oversized = 0  # and otherwise unreadable
        self._events_left = max_events
        self._tries_left = _MAX_TRIES
        self._pending = b""
        self._resyncing = False
        # The headers of the last event, mostly those of the next too, its type, and of
        # preludes that such had: length of the payload, checksum of all that is before it.
        self._block = b""
        self._event_type = ""
        self._begun: dict[bytes, tuple[int, int]] = {}

    @property
    def full(self) -> bool:
        """Whether nothing more is read."""
        return self._events_left <= 0 or self._tries_left <= 0

    def feed(self, data: bytes) -> list[bytes]:
        """The events that ``data`` completes."""
        pending = self._pending + data
        events: list[bytes] = []
        at = 0
        while self._events_left > 0:
            if self._resyncing:
                at = self._beginning(pending, at)
                if at < 0:
                    break
            at, payloads = self._alike(pending, at)
            if payloads:
                events += self._envelope(self._event_type, payloads)
            if self._events_left <= 0 or len(pending) < at + _PRELUDE_BYTES:
                break
            if not _fits(pending, at):
                self.oversized += 1
                self._resyncing = True
                continue
            total, headers_bytes, _ = _PRELUDE.unpack_from(pending, at)
            if len(pending) < at + total:
                break
            event = self._event(pending[at : at + total], _PRELUDE_BYTES + headers_bytes)
            at += total
            self._events_left -= 1
            if event is None:
                self.oversized += 1
            else:
                events.append(event)
        self._pending = b"" if self.full else pending[at:] if at >= 0 else pending[-_PRELUDE_BYTES - 16 :]
        return events

    def _alike(self, pending: bytes, at: int) -> tuple[int, list[bytes]]:
        """(end of the frames from ``at`` on that are whole and begin like one before them, their payloads).

        That their headers are the same follows from their checksum, which covers those too.
        """
        begun, payload_at = self._begun, _PRELUDE_BYTES + len(self._block)
        unpack_checksum = _CHECKSUM.unpack_from
        payloads: list[bytes] = []
        try:
            for _ in range(self._events_left):
                payload_bytes, checksum = begun[pending[at : at + _PRELUDE_BYTES]]
                start = at + payload_at
                end = start + payload_bytes
                payload = pending[start:end]
                if crc32(payload, checksum) != unpack_checksum(pending, end)[0]:
                    break
                payloads.append(payload)
                at = end + 4
        except (KeyError, struct.error):
            pass  # a frame that begins otherwise, or is not all there
        self._events_left -= len(payloads)
        return at, payloads

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

    def _event(self, frame: bytes, payload_at: int) -> bytes | None:
        """The event of a frame; None where its checksum or its headers are wrong."""
        if crc32(frame[:-4]) != _CHECKSUM.unpack_from(frame, len(frame) - 4)[0]:
            return None
        prelude, block, payload = frame[:_PRELUDE_BYTES], frame[_PRELUDE_BYTES:payload_at], frame[payload_at:-4]
        headers = _headers(block)
        if headers is None:
            return None
        if headers.get(":message-type") in ("exception", "error"):
            name = headers.get(":exception-type") or headers.get(":error-code") or ""
            return json.dumps({"error": {"type": name}}).encode()
        if block != self._block or len(self._begun) == _MAX_BEGUN:
            self._begun = {}
            self._block = block
            self._event_type = headers.get(":event-type", "")
        if payload:
            self._begun[prelude] = len(payload), crc32(block, crc32(prelude))
        return self._envelope(self._event_type, [payload or b"{}"])[0]

    def _beginning(self, pending: bytes, at: int) -> int:
        """Where the next frame begins, -1 where none is found."""
        while self._tries_left > 0:
            found = pending.find(_FIRST_HEADER, at + _PRELUDE_BYTES)
            if found < 0:
                return -1
            at = found - _PRELUDE_BYTES
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
