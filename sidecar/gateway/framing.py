"""Where a message's body ends: RFC 9112 sections 6 and 7, as machines without I/O.

Rules of this file:

* A walker is shown the bytes that follow a head and says how many of them belong to the
  body. It changes nothing and keeps nothing but an unfinished line of chunk framing, so
  the caller forwards the very bytes it was given.
* Whoever wants the payload without the chunk framing hands in a list; the walker appends
  slices to it. Whoever does not, pays nothing for it.
* Two readers that disagree about where a body ends are how requests are smuggled. What
  RFC 9112 leaves to leniency is refused here: chunk sizes are plain hex digits, every line
  ends in CRLF, and a chunk's data is followed by exactly CRLF.
* ``BadFraming`` says what is wrong in words of its own and never holds a byte of the message.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Protocol

MAX_SIZE_LINE_BYTES = 4096
"""A chunk's size with its extensions. Nobody sends long ones in earnest."""

MAX_LENGTH_DIGITS = 18
"""Beyond 2**63 other programs disagree about the number."""

_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[^\r\n\x00]*)?\r\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\r\n\x00]*\r\n")


class BadFraming(ValueError):  # noqa: N818 - "bad framing" is what it is; an Error suffix adds nothing
    """The message's own framing is broken. The text is ours, never the sender's."""


class Walker(Protocol):
    """Finds the end of one body."""

    finished: bool

    def walk(self, data: bytes, payload: list[bytes] | None = None) -> int:
        """How many of ``data``'s first bytes belong to the body; at least one unless finished.

        Appends what they carry, without chunk framing, to ``payload`` when given. Raises
        BadFraming; nothing of ``data`` should be forwarded then.
        """


class LengthWalker:
    """A body of exactly ``length`` bytes.

    >>> walker = LengthWalker(5)
    >>> walker.walk(b"abc"), walker.walk(b"deXYZ"), walker.finished
    (3, 2, True)
    """

    __slots__ = ("finished", "remaining")

    def __init__(self, length: int) -> None:
        self.remaining = length
        self.finished = length == 0

    def walk(self, data: bytes, payload: list[bytes] | None = None) -> int:
        """See ``Walker``."""
        taken = min(len(data), self.remaining)
        self.remaining -= taken
        self.finished = self.remaining == 0
        if payload is not None and taken:
            payload.append(data if taken == len(data) else data[:taken])
        return taken


class CloseWalker:
    """A body that only the end of its connection ends: ``finished`` stays False."""

    __slots__ = ("finished",)

    def __init__(self) -> None:
        self.finished = False

    def walk(self, data: bytes, payload: list[bytes] | None = None) -> int:
        """See ``Walker``."""
        if payload is not None:
            payload.append(data)
        return len(data)


class _Expect(Enum):
    SIZE = 1
    DATA = 2
    DATA_END = 3
    TRAILER = 4


_SIZE, _DATA, _DATA_END, _TRAILER = _Expect


def _size_lines(whole_bytes: int) -> tuple[bytes, ...]:
    """How a chunk that takes ``whole_bytes`` with its framing begins, in either case; there may be none."""
    for digits in (2, 3):
        size = whole_bytes - digits - 4
        if 16 ** (digits - 1) <= size < 16**digits:
            return b"%x\r\n" % size, b"%X\r\n" % size
    return ()


_ONE_CHUNK = [_size_lines(whole_bytes) for whole_bytes in range(3 + 4 + 0xFFF + 1)]
_THREE_DIGITS_BYTES = 3 + 4 + 0x100
"""From here on a whole chunk's size takes three digits, in the table above."""

_BEGUN = {
    _SIZE: re.compile(rb"[0-9A-Fa-f]{1,15}(?:;[^\r\n\x00]*)?\r?"),
    _DATA_END: re.compile(rb"\r"),
    _TRAILER: re.compile(rb"\r|[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?::[^\r\n\x00]*\r?)?"),
}
"""What an unfinished line of each kind can be the beginning of."""


class ChunkedWalker:
    r"""A chunked body with its extensions and trailers, up to and with its last CRLF.

    ``max_trailer_bytes`` bounds all trailer lines together.

    >>> walker, payload = ChunkedWalker(65536), []
    >>> walker.walk(b"3\r\nabc\r\n0\r\n\r\nGET /", payload), payload, walker.finished
    (13, [b'abc'], True)
    """

    __slots__ = ("_between", "_expect", "_line", "_remaining", "_trailer_room", "finished")

    def __init__(self, max_trailer_bytes: int) -> None:
        self.finished = False
        self._between = True  # two chunks, or before the first
        self._expect = _SIZE
        self._remaining = 0  # of the chunk's data
        self._line = b""  # the beginning of an unfinished line
        self._trailer_room = max_trailer_bytes

    def one_chunk(self, data: bytes) -> int:
        r"""Where its payload begins, if ``data`` is one whole chunk of 16 to 4095 bytes; else 0, and nothing is walked.

        What a stream consists of: an event is a chunk is a packet. The payload is all but the last two bytes.

        >>> ChunkedWalker(0).one_chunk(b"10\r\ndata: sixteen by\r\n")
        4
        """
        length = len(data)
        if (
            self._between
            and length < len(_ONE_CHUNK)
            and data.startswith(_ONE_CHUNK[length])
            and data.endswith(b"\r\n")
        ):
            return 4 if length < _THREE_DIGITS_BYTES else 5
        return 0

    def walk(self, data: bytes, payload: list[bytes] | None = None) -> int:
        """See ``Walker``."""
        at, end = 0, len(data)
        while at < end and not self.finished:
            if self._expect is _DATA:
                stop = min(at + self._remaining, end)
                if payload is not None:
                    payload.append(data[at:stop])
                self._remaining -= stop - at
                at = stop
                if self._remaining == 0:
                    self._expect = _DATA_END
                    if data.startswith(b"\r\n", at):  # nearly always: an event is a chunk is a packet
                        self._expect = _SIZE
                        at += 2
                continue
            if self._expect is _SIZE and not self._line:
                match = _SIZE_LINE.match(data, at)
                if match is not None:  # nearly always: the line is whole
                    self._open_chunk(match)
                    at = match.end()
                    continue
            newline = data.find(b"\n", at) + 1
            line = data[at : newline or end]
            at += len(line)
            if self._line:
                line = self._line + line
            if newline:
                self._line = b""
                self._take(line)
            else:
                self._line = line
                self._check(line)
        self._between = self._expect is _SIZE and not self._line
        return at

    def _check(self, unfinished: bytes) -> None:
        """The end of a line is not waited for when it is too long or broken already: its bytes go on meanwhile."""
        room = {_SIZE: MAX_SIZE_LINE_BYTES, _DATA_END: 2, _TRAILER: self._trailer_room}
        if len(unfinished) > room[self._expect]:
            raise BadFraming("a line of the chunk framing is too long")
        if _BEGUN[self._expect].fullmatch(unfinished) is None:
            raise BadFraming("a line of the chunk framing is none")

    def _open_chunk(self, line: re.Match[bytes] | None) -> None:
        if line is None or line.end() - line.start() > MAX_SIZE_LINE_BYTES:
            raise BadFraming("a chunk's size is not a hex number")
        self._remaining = int(line[1], 16)
        self._expect = _DATA if self._remaining else _TRAILER

    def _take(self, line: bytes) -> None:
        """One whole line of framing."""
        if self._expect is _SIZE:
            self._open_chunk(_SIZE_LINE.fullmatch(line))
        elif self._expect is _DATA_END:
            if line != b"\r\n":
                raise BadFraming("a chunk is longer than its size says")
            self._expect = _SIZE
        elif line == b"\r\n":
            self.finished = True
        else:
            self._trailer_room -= len(line)
            if self._trailer_room < 0 or _TRAILER_LINE.fullmatch(line) is None:
                raise BadFraming("a trailer is not a header line, or there are too many")


class Framing:
    """What a head's ``Content-Length`` and ``Transfer-Encoding`` say together.

    Feed every such header, then ask. ``length`` is None where none was given.
    """

    __slots__ = ("chunked", "length")

    def __init__(self) -> None:
        self.length: int | None = None
        self.chunked = False

    def content_length(self, value: bytes) -> None:
        """Another Content-Length, as sent. Even an equal second one is refused."""
        value = value.strip(b" \t")
        if self.length is not None or self.chunked or not value.isdigit() or len(value) > MAX_LENGTH_DIGITS:
            raise BadFraming("the body's length is given twice or is not a number")
        self.length = int(value)

    def transfer_encoding(self, value: bytes) -> None:
        """Another Transfer-Encoding, as sent. Only ``chunked``, once and alone, ends safely."""
        if self.chunked or self.length is not None or value.strip(b" \t").lower() != b"chunked":
            raise BadFraming("the transfer encoding is not exactly chunked")
        self.chunked = True

    def request_body(self, max_trailer_bytes: int) -> Walker | None:
        """RFC 9112 6.3 for a request; None where no body follows."""
        if self.chunked:
            return ChunkedWalker(max_trailer_bytes)
        return LengthWalker(self.length) if self.length else None

    def response_body(self, *, to_head: bool, status: int, max_trailer_bytes: int) -> Walker | None:
        """RFC 9112 6.3 for the final answer; None where no body follows. ``to_head``: the request was a HEAD."""
        if to_head or status in (204, 304):
            return None
        if self.chunked:
            return ChunkedWalker(max_trailer_bytes)
        if self.length is None:
            return CloseWalker()
        return LengthWalker(self.length) if self.length else None
