"""The evidence log as it is written: one writer, a line at a time, never a broken chain.

* A record is one ``write`` of one line. What a crash left of a line is cut off at the next start, and a
  record of kind ``torn`` says so: at most the record in flight is lost.
* Where a record cannot be written (disk full, directory gone, read-only) the log goes on being whole:
  what was written of the line is taken back, the loss is counted, and the first record that can be
  written afterwards is a ``gap`` with the number lost and since when.
* A start after a stop that was not recorded, and a clock that went back, are records too.
* Nothing here raises for the state of the disk after construction: detection goes on without evidence.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sidecar.evidence import chain
from sidecar.evidence.chain import BrokenError, Head
from sidecar.evidence.payloads import Payloads
from sidecar.evidence.record import Record
from sidecar.evidence.segments import last_stated, origin, segment_of, segments

LOCK = "lock"
CLOCK_BACK_S = 1.0


class LogInUseError(Exception):
    """Another process writes this log."""


class EvidenceLog:
    """The log in ``directory``, made if it is not there; ``key`` empty for plain hashes.

    OSError where the directory cannot be used at all, LogInUseError where another process writes it.
    ``head`` is what a reader outside should keep; ``lost`` counts records that could not be written;
    ``consistent`` is False where the end of the log did not verify at the start.
    """

    def __init__(self, directory: Path, key: bytes, at_s: float) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.directory = directory
        self.payloads = Payloads(directory)
        self.lost = 0
        self.consistent = True
        self._key = key
        self._unsaid = 0
        self._unsaid_since_s = 0.0
        self._lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise LogInUseError(f"{directory}: another process writes this log") from None
        self.head, self._last_at_s = Head(), at_s
        self._segment: Path | None = None
        try:
            self._resume(at_s)
        except OSError:
            os.close(self._lock)  # else the next attempt would find the log in use, by nobody
            raise

    def append(
        self, kind: str, data: Mapping[str, Any], at_s: float, payload: Mapping[str, Any] | None = None
    ) -> Head | None:
        """The head after the record, or None where it could not be written; ValueError where it is no record."""
        if not self.catch_up(at_s) and at_s < self._last_at_s - CLOCK_BACK_S:
            self._write("clock", {"back_s": self._last_at_s - at_s}, at_s, None)
        head = self._write(kind, data, at_s, payload)
        if head is None:
            self.missed(1, at_s)
        return head

    def missed(self, count: int, since_s: float) -> None:
        """So many records could not be written since ``since_s``, here or before the log could be opened."""
        self.lost += count
        self._unsaid_since_s = self._unsaid_since_s if self._unsaid else since_s
        self._unsaid += count

    def catch_up(self, at_s: float) -> bool:
        """Says which records are lost, where that can be written by now; whether it had to be said."""
        if not self._unsaid:
            return False
        gap = {"lost": self._unsaid, "since_s": self._unsaid_since_s, "until_s": at_s, "reason": "not_writable"}
        if self._write("gap", gap, at_s, None) is not None:
            self._unsaid = 0
        return True

    @property
    def behind(self) -> bool:
        """Whether records are lost that the log does not say yet."""
        return self._unsaid > 0

    def sync(self) -> None:
        """To the disk. Lost records of a power failure are those after the last call."""
        if self._segment is None:
            return
        try:
            file = os.open(self._segment, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)
        except OSError:
            return

    def close(self, at_s: float) -> None:
        """Records the stop and lets the log go."""
        self.append("stop", {}, at_s)
        self.sync()
        os.close(self._lock)

    def _write(self, kind: str, data: Mapping[str, Any], at_s: float, payload: Mapping[str, Any] | None) -> Head | None:
        seq = self.head.seq + 1
        try:
            kept = self.payloads.keep(seq, payload) if payload is not None else ""
            text, seal = chain.line(self._key, self.head.seal, Record(seq, at_s, kind, data, kept).canonical())
            segment = segment_of(self.directory, at_s, self._segment)
            self._put(segment, text)
        except OSError:
            return None
        self._segment, self._last_at_s = segment, at_s
        self.head = Head(seq, seal)
        return self.head

    @staticmethod
    def _put(segment: Path, text: bytes) -> None:
        file = os.open(segment, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            before = os.fstat(file).st_size
            try:
                whole = os.write(file, text) == len(text)
            except OSError:
                os.ftruncate(file, before)
                raise
            if not whole:
                os.ftruncate(file, before)
                raise OSError("the line did not fit")
        finally:
            os.close(file)

    def _resume(self, at_s: float) -> None:
        """Finds the head, cuts off what a crash left of a line, and says both."""
        paths = segments(self.directory)
        torn = _cut_torn(paths[-1]) if paths else b""
        last = ""
        try:
            self.head, self._last_at_s = (last_stated(paths[-2]) if paths[1:] else None) or (
                origin(self.directory),
                at_s,
            )
            if paths:
                self.head, last, self._last_at_s = _followed(self._key, self.head, paths[-1], self._last_at_s)
        except BrokenError:  # goes on from the last line that reads as one: `verify` names the first bad one
            self.consistent = False
            self.head, self._last_at_s = next(filter(None, map(last_stated, reversed(paths))), (Head(), at_s))
        self._segment = paths[-1] if paths else None
        if not paths:
            return
        if torn:
            self.append("torn", {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}, at_s)
        if last != "stop":
            gap = {"lost": 0, "since_s": self._last_at_s, "until_s": at_s, "reason": "stopped_unrecorded"}
            self.append("gap", gap, at_s)


def _cut_torn(path: Path) -> bytes:
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)
    return content[whole:]


def _followed(key: bytes, head: Head, path: Path, at_s: float) -> tuple[Head, str, float]:
    kind = ""
    with path.open("rb") as file:
        for text in file:
            head, content = chain.follow(key, head, text)
            kind = content["kind"]
            found = chain.stated(text)
            at_s = found[1] if found else at_s
    return head, kind, at_s
