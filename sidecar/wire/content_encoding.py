"""Content-Encoding, undone on the copy: gzip and deflate; br and zstd where their library is installed.

A copy may be cut or broken: what could be decoded until there is kept. Output is bounded,
absolutely and as a multiple of the input, so that a small body cannot become a large one.
"""

from __future__ import annotations

import importlib
import io
import zlib
from collections.abc import Iterable
from typing import Protocol

MAX_OUTPUT_BYTES = 32 << 20
MAX_RATIO = 200
FREE_BYTES = 1 << 20
"""Output up to here is allowed whatever the ratio."""


class Decoder(Protocol):
    """One encoding. ``decode`` gives at most ``room`` bytes, and raises on bytes that are not its own."""

    def decode(self, data: bytes, room: int) -> bytes: ...  # noqa: D102 - the class says it


class _Zlib:
    """gzip (several members too) and deflate, the latter with and without zlib's header."""

    def __init__(self) -> None:
        self._inflate: zlib._Decompress | None = None

    def decode(self, data: bytes, room: int) -> bytes:
        pieces = []
        while data and room > 0:
            if self._inflate is None:
                bare = data[0] & 0x0F != 8 and data[0] != 0x1F  # RFC 1950 and 1952: how the headers begin
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS if bare else 32 + zlib.MAX_WBITS)
            piece = self._inflate.decompress(data, room)
            pieces.append(piece)
            room -= len(piece)
            data = self._inflate.unused_data
            if self._inflate.eof:
                self._inflate = None
        return b"".join(pieces)


class _Brotli:
    def __init__(self) -> None:
        self._process = importlib.import_module("brotli").Decompressor().process

    def decode(self, data: bytes, room: int) -> bytes:
        # The library's limit is one of its buffers, which it may overshoot by as much again.
        return bytes(self._process(data, output_buffer_limit=room))[:room]


class _Zstandard:
    """Reads from the start each time: the library offers a bound only to readers of whole streams."""

    def __init__(self) -> None:
        self._decompressor = importlib.import_module("zstandard").ZstdDecompressor
        self._seen = b""
        self._given = 0

    def decode(self, data: bytes, room: int) -> bytes:
        self._seen += data
        decoded = bytes(self._decompressor().stream_reader(io.BytesIO(self._seen)).read(self._given + room))
        fresh, self._given = decoded[self._given :], len(decoded)
        return fresh


_DECODERS: dict[str, type[_Zlib | _Brotli | _Zstandard]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Zlib,
    "br": _Brotli,
    "zstd": _Zstandard,
}


def decode(pieces: Iterable[bytes], content_encoding: str) -> tuple[list[bytes], bool]:
    """(each piece decoded, whether nothing was lost). ``pieces`` are the body in order.

    Lost is what an unknown encoding, a broken stream or the bounds leave undone.
    """
    names = [name.strip().lower() for name in content_encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    pieces = list(pieces)
    if not names:
        return pieces, True
    room = min(MAX_OUTPUT_BYTES, FREE_BYTES + MAX_RATIO * sum(map(len, pieces)))
    decoded: list[bytes] = []
    try:
        chain: list[Decoder] = [_DECODERS[name]() for name in reversed(names)]
        for piece in pieces:
            data = piece
            for decoder in chain:
                data = decoder.decode(data, room)
            decoded.append(data)
            room -= len(data)
            if room <= 0:
                break
    except Exception:  # noqa: BLE001 - each library has its own error, and a copy may hold anything
        return decoded, False
    return decoded, room > 0
