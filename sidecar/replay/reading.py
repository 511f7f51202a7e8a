"""Lines of log files as exchanges, in the order of their times, with as many processes as wanted.

What of one line follows from the line alone (its decoding, its features) is worked out in other processes; what
follows from its neighbours is not, so the result does not depend on their number. Memory is flat: a file is read in
chunks, and few chunks are on the way.
"""

from __future__ import annotations

import gzip
import heapq
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from detectors.features.extract import extract
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.monitor.naming import Naming
from sidecar.replay.recording import NotARecordError, recorded
from sidecar.settings import CaptureSettings
from sidecar.wire.base import decode

CHUNK = 128
AHEAD = 2
"""Chunks of a file on the way, a process."""
KEY = b"kilter replay"
"""Keys the hashes of users and conversations. Fixed, so that a replay gives the same result every time."""

Numbered = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Line:
    """One line. ``exchange`` is None where no wire format reads it (``opaque``) or where it is no record: then
    ``problem`` says what is needed. ``recognised``: something says which conversation it belongs to.
    """

    file: str
    number: int
    at_s: float = 0.0
    exchange: Exchange | None = None
    features: Features | None = None
    protocol: str = ""
    recognised: bool = False
    problem: str = ""

    @property
    def opaque(self) -> bool:
        """A record in a format that is not read."""
        return self.exchange is None and not self.problem


class Reader:
    """Reads one line after the other; conversations that nothing identifies get keys by their place."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._keyed = KeyedHash(KEY)
        self._place = b""
        self._naming = Naming(KEY, CaptureSettings(), self._by_place, lambda _: None)

    def read(self, numbered: Sequence[Numbered]) -> list[Line]:
        """Never raises for what a line holds."""
        return [self._line(number, text) for number, text in numbered]

    def _line(self, number: int, text: bytes) -> Line:
        try:
            capture = recorded(orjson.loads(text), self._keyed)
        except NotARecordError as error:
            return Line(self._file, number, problem=str(error))
        except orjson.JSONDecodeError:
            return Line(self._file, number, problem="need JSON, one object a line")
        self._place = f"{self._file}:{number}".encode()
        capture = self._naming.named(capture)
        exchange = decode(capture)
        if exchange is None:
            return Line(self._file, number, capture.started_at_s)
        return Line(
            self._file,
            number,
            capture.started_at_s,
            exchange,
            extract(exchange),
            capture.protocol,
            capture.key_kind != "none",
        )

    def _by_place(self, size: int) -> bytes:
        return self._keyed.of(b"place", self._place).ljust(size, b"\0")[:size]


def lines(files: Sequence[Path], jobs: int, progress: Callable[[int], None] = lambda _: None) -> Iterator[Line]:
    """Of all files, merged by time; each file is taken to be in order of time, more or less.

    ``progress`` is given the bytes read since it was last called. OSError where a file cannot be read.
    """
    context = ProcessPoolExecutor(jobs, get_context("spawn")) if jobs > 1 else nullcontext()
    with context as pool:
        try:
            yield from heapq.merge(*(_file(path, pool, jobs, progress) for path in files), key=lambda line: line.at_s)
        finally:
            if pool is not None:
                pool.shutdown(cancel_futures=True)


def _file(path: Path, pool: ProcessPoolExecutor | None, jobs: int, progress: Callable[[int], None]) -> Iterator[Line]:
    with _opened(path) as file:
        numbered = _numbered(file, progress)
        if pool is None:
            reader = Reader(str(path))
            while chunk := list(islice(numbered, CHUNK)):
                yield from reader.read(chunk)
            return
        waiting: deque[Future[list[Line]]] = deque()
        while True:
            while len(waiting) < jobs * AHEAD and (chunk := list(islice(numbered, CHUNK))):
                waiting.append(pool.submit(_read, str(path), chunk))
            if not waiting:
                return
            yield from waiting.popleft().result()


def _read(file: str, chunk: Sequence[Numbered]) -> list[Line]:
    return Reader(file).read(chunk)


def _numbered(file: BinaryIO, progress: Callable[[int], None]) -> Iterator[Numbered]:
    for number, text in enumerate(file, start=1):
        progress(len(text))
        if not text.isspace():
            yield number, text


def _opened(path: Path) -> BinaryIO:
    return cast("BinaryIO", gzip.open(path)) if path.suffix == ".gz" else path.open("rb")
