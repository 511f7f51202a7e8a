"""Samples of exchanges on disk, encrypted: appended to segments, and removed by whole segments.

A segment begins with ``MAGIC`` and 16 random bytes that name it; its key is derived from the operator's and that name
(HKDF-SHA-256), and record n is sealed with AES-256-GCM under nonce n, so no nonce comes twice and a record that was changed,
moved or left out in the middle is found. Each record stands after its length, four bytes, big endian.

Rules of this file
* A segment goes when its oldest record is as old as anything may be, or when there is no room: nothing is kept longer or larger.
* Names of files say when they were begun and nothing else.
* The library ``cryptography`` comes with the extra ``samples`` and is imported where text is sealed or opened.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"KLTSMP1\n"
KEY_BYTES = 32
PARTS = 16
"""A segment is at most this part of the room, and of the time."""
_NAME_BYTES, _LENGTH_BYTES, _TAG_BYTES = 16, 4, 16
_FILE = re.compile(r"(\d{13})-([0-9a-f]{8})\.samples")


class SampleError(Exception):
    """Something kept cannot be read, or the key is none. ``str()`` says what is needed, and never what was kept."""


def sample_key(path: str) -> bytes:
    """The operator's key. SampleError, of one line, where the file holds none."""
    try:
        key = bytes.fromhex(Path(path).read_text(encoding="ascii").strip())
    except OSError as error:
        raise SampleError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SampleError(f"{path}: need {KEY_BYTES} bytes as hex (openssl rand -hex 32)")
    return key


class SampleStore:
    """Appends to ``directory``, which is made where it is missing. ``ttl_s`` > 0 seconds, ``max_bytes`` > 0. Methods raise OSError
    where the disk says so; what was kept before stays readable then.
    """

    def __init__(self, directory: Path, key: bytes, ttl_s: float, max_bytes: int) -> None:
        self._directory, self._key, self._ttl_s, self._max_bytes = directory, key, ttl_s, max_bytes
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sizes = {path: path.stat().st_size for path, _ in _segments(directory)}
        self._path: Path | None = None
        self._fd = -1
        self._begun_s = 0.0
        self._cipher: AESGCM | None = None
        self._count = 0

    @property
    def held_bytes(self) -> int:
        """What all segments take."""
        return sum(self._sizes.values())

    @property
    def most_bytes(self) -> int:
        """Of one sample."""
        return self._max_bytes // PARTS - len(MAGIC) - _NAME_BYTES - _LENGTH_BYTES - _TAG_BYTES

    def append(self, sample: bytes, now_s: float) -> None:
        """ValueError where it is longer than ``most_bytes``."""
        if len(sample) > self.most_bytes:
            raise ValueError(f"need at most {self.most_bytes} bytes, got {len(sample)}")
        self.expire(now_s)
        takes = _LENGTH_BYTES + len(sample) + _TAG_BYTES
        full = self._path is not None and self._sizes[self._path] + takes > self._max_bytes // PARTS
        if full or not self._begun_s <= now_s < self._begun_s + self._ttl_s / PARTS:
            self.close()
        self._make_room(takes if self._path else takes + len(MAGIC) + _NAME_BYTES)
        cipher = self._cipher if self._path and self._cipher else self._begin(now_s)
        sealed = cipher.encrypt(_nonce(self._count), sample, None)
        try:
            self._write(len(sealed).to_bytes(_LENGTH_BYTES, "big") + sealed)
        except OSError:
            self.close()  # its end may be half a record: nothing may come after it
            raise
        self._count += 1

    def expire(self, now_s: float) -> None:
        """Removes what is as old as anything may be; whatever was begun in the future, too, since a clock was set back."""
        for path, begun_s in list(_segments(self._directory)):
            if not now_s - self._ttl_s < begun_s <= now_s + 1:
                self._remove(path)

    def close(self) -> None:
        """The next sample begins another segment."""
        if self._fd >= 0:
            os.close(self._fd)
        self._path, self._fd, self._cipher, self._count, self._begun_s = None, -1, None, 0, 0.0

    def _begin(self, now_s: float) -> AESGCM:
        name = secrets.token_bytes(_NAME_BYTES)
        last = max((int(path.name[:13]) for path in self._sizes), default=0)  # the order of names is that of segments
        path = self._directory / f"{max(int(now_s * 1000), last + 1):013d}-{name[:4].hex()}.samples"
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._path, self._begun_s, self._count, self._sizes[path] = path, now_s, 0, 0
        self._cipher = _cipher(self._key, name)
        try:
            self._write(MAGIC + name)
        except OSError:
            self.close()
            raise
        return self._cipher

    def _write(self, data: bytes) -> None:
        path = self._path
        while data and path is not None:
            written = os.write(self._fd, data)
            self._sizes[path] += written
            data = data[written:]

    def _make_room(self, takes: int) -> None:
        for path in sorted(self._sizes):
            if self.held_bytes + takes <= self._max_bytes:
                return
            self._remove(path)

    def _remove(self, path: Path) -> None:
        if path == self._path:
            self.close()
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._sizes.pop(path, None)


def samples(directory: Path, key: bytes) -> Iterator[bytes]:
    """Everything kept that can still be read, oldest first. SampleError where a record cannot be opened: another key, or
    somebody has changed it. Half a record at the end of a segment was cut off by a stop, and is left out.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415  # comes with an extra

    try:
        files = sorted(path for path, _ in _segments(directory))
    except OSError as error:
        raise SampleError(f"{directory}: cannot be read: {error.strerror}") from None
    for path in files:
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            continue  # its time was over meanwhile
        except OSError as error:
            raise SampleError(f"{path}: cannot be read: {error.strerror}") from None
        head, at, count = len(MAGIC) + _NAME_BYTES, len(MAGIC) + _NAME_BYTES, 0
        if not raw.startswith(MAGIC[: len(raw)]):
            raise SampleError(f"{path}: no file of samples")
        cipher = _cipher(key, raw[len(MAGIC) : head])
        while at + _LENGTH_BYTES <= len(raw):
            end = at + _LENGTH_BYTES + int.from_bytes(raw[at : at + _LENGTH_BYTES], "big")
            if end > len(raw):
                break
            try:
                yield cipher.decrypt(_nonce(count), raw[at + _LENGTH_BYTES : end], None)
            except InvalidTag:
                raise SampleError(f"{path}: sample {count + 1} was kept under another key, or changed") from None
            at, count = end, count + 1


def _segments(directory: Path) -> Iterator[tuple[Path, float]]:
    """(file, Unix seconds at which it was begun)."""
    for path in directory.iterdir():
        if found := _FILE.fullmatch(path.name):
            yield path, int(found[1]) / 1000


def _cipher(key: bytes, name: bytes) -> AESGCM:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # comes with an extra
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415  # the same
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415  # the same

    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt=name, info=b"kilter samples 1").derive(key))


def _nonce(count: int) -> bytes:
    return count.to_bytes(12, "big")
