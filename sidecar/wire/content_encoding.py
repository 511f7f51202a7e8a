"""Content-Encoding, undone on the copy: gzip, deflate, br and zstd.

A copy may be cut or broken: what could be decoded until there is kept. Output is bounded,
absolutely and as a multiple of the input, so that a small body cannot become a large one.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import ClassVar, Protocol

import brotli  # type: ignore[import-untyped]  # the wheel has no stubs
from backports import zstd

MAX_STREAM_BYTES = 3 << 20
MAX_DOCUMENT_BYTES = 9 << 17
"""1.125 MiB: a JSON parser takes twelve times the bytes of its document while it works, an event of a stream little."""

MAX_RATIO = 200
FREE_BYTES = 1 << 20
"""Output up to here is allowed whatever the ratio."""


class Decoder(Protocol):
    """One encoding. ``decode`` gives at most ``room`` bytes, and raises on bytes that are not its own."""

    def decode(self, data: bytes, room: int) -> bytes: ...  # noqa: D102 - the class says it


class _Zlib:
    """gzip (several members too) and deflate, the latter with and without zlib's header.

    In steps, since what follows a member is copied at its end; and of members, only so many.
    """

    _STEP_BYTES = 16 << 10
    _MAX_MEMBERS = 1000

    def __init__(self) -> None:
        self._inflate: zlib._Decompress | None = None
        self._members = 0

    def decode(self, data: bytes, room: int) -> bytes:
        pieces = []
        for at in range(0, len(data), self._STEP_BYTES):
            step = data[at : at + self._STEP_BYTES]
            while step and room > 0:
                inflate = self._inflate or self._begin(step[0])
                piece = inflate.decompress(step, room)
                pieces.append(piece)
                room -= len(piece)
                step = inflate.unused_data
                self._inflate = None if inflate.eof else inflate
        return b"".join(pieces)

    def _begin(self, first: int) -> zlib._Decompress:
        self._members += 1
        if self._members > self._MAX_MEMBERS:
            raise ValueError(f"need at most {self._MAX_MEMBERS} members")
        bare = first & 0x0F != 8 and first != 0x1F  # RFC 1950 and 1952: how the headers begin
        return zlib.decompressobj(-zlib.MAX_WBITS if bare else 32 + zlib.MAX_WBITS)


class _Brotli:
    def __init__(self) -> None:
        self._process = brotli.Decompressor().process

    def decode(self, data: bytes, room: int) -> bytes:
        # The library's limit is one of its buffers, which it may overshoot by as much again.
        return bytes(self._process(data, output_buffer_limit=room))


class _Zstandard:
    """Frame by frame, at most as much as there is room for. Windows up to 8 MiB, as RFC 9659 allows in HTTP."""

    _MAX_FRAMES = 1000
    _OPTIONS: ClassVar[Mapping[int, int]] = {zstd.DecompressionParameter.window_log_max: 23}

    def __init__(self) -> None:
        self._frame = zstd.ZstdDecompressor(options=self._OPTIONS)
        self._frames = 1

    def decode(self, data: bytes, room: int) -> bytes:
        pieces = []
        while data and room > 0:
            pieces.append(self._frame.decompress(data, room))
            room -= len(pieces[-1])
            if not self._frame.eof:
                break
            data = self._frame.unused_data
            self._frame = zstd.ZstdDecompressor(options=self._OPTIONS)
            self._frames += 1
            if self._frames > self._MAX_FRAMES:
                raise ValueError(f"need at most {self._MAX_FRAMES} frames")
        return b"".join(pieces)


_DECODERS: dict[str, type[_Zlib | _Brotli | _Zstandard]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstandard,
}


def decode(
    pieces: Iterable[bytes], content_encoding: str, max_bytes: int = MAX_STREAM_BYTES
) -> tuple[list[bytes], bool]:
    """(each piece decoded, whether nothing was lost). ``pieces`` are the body in order.

    Lost is what an unknown encoding, a broken stream or the bounds leave undone.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    pieces = list(pieces)
    if not names:
        return pieces, True
    room = min(max_bytes, FREE_BYTES + MAX_RATIO * sum(map(len, pieces)))
    decoded: list[bytes] = []
    try:
        chain: list[Decoder] = [_DECODERS[name]() for name in reversed(names)]
        for piece in pieces:
            data = piece
            for decoder in chain:
                data = decoder.decode(data, room)
            decoded.append(data[:room])
            room -= len(data)
            if room <= 0:
                break
    except Exception:  # noqa: BLE001 - each library has its own error, and a copy may hold anything
        return decoded, False
    return decoded, room > 0
