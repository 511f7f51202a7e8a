"""The chain: every record's seal covers the record and the seal before it.

    seal_n = HMAC-SHA256(key, seal_(n-1) || canonical JSON of record n)          seal_0 = 32 zero bytes

With an empty key the seal is plain SHA-256, which whoever can write the log can recompute: it finds
accidents, not people. A line is ``{"seal":"<64 hex digits>","record":<canonical JSON>}``, and nothing
else may stand in it, so that no byte of a segment is outside the seals.

What a chain cannot see by itself is the loss of its end. A head (number and seal of the last record)
that was kept elsewhere shows that.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

GENESIS = bytes(32)
_OPEN, _MIDDLE, _CLOSE = b'{"seal":"', b'","record":', b"}\n"
_SEAL_AT = len(_OPEN)
_RECORD_AT = _SEAL_AT + 64 + len(_MIDDLE)


@dataclass(frozen=True, slots=True)
class Head:
    """The last record: its number (0 before the first) and its seal."""

    seq: int = 0
    seal: bytes = GENESIS

    def __str__(self) -> str:
        return f"{self.seq}:{self.seal.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The inverse of ``str``; ValueError says what is needed."""
        number, _, seal = text.strip().partition(":")
        if not number.isdecimal() or len(seal) != 64 or set(seal) - set("0123456789abcdef"):
            raise ValueError(f"{text[:80]!r}: need NUMBER:SEAL, the seal as 64 hexadecimal digits")
        return cls(int(number), bytes.fromhex(seal))


def seal(key: bytes, before: bytes, record: bytes) -> bytes:
    """32 bytes over the seal before and the record's canonical text."""
    if key:
        return hmac.digest(key, before + record, "sha256")
    return hashlib.sha256(before + record).digest()


def line(key: bytes, before: bytes, record: bytes) -> tuple[bytes, bytes]:
    """The record's line in a segment, and its seal."""
    own = seal(key, before, record)
    return b"".join((_OPEN, own.hex().encode(), _MIDDLE, record, _CLOSE)), own


class BrokenError(Exception):
    """A line that is not the next of the chain. ``str()`` says in what way, and quotes nothing of it."""


class TornError(BrokenError):
    """The log ends within a line: one that is being written, or that a crash cut short. ``size`` bytes of it are there."""

    def __init__(self, size: int) -> None:
        super().__init__("the line is cut short")
        self.size = size


def torn(key: bytes, head: Head, text: bytes) -> bool:
    """Whether the last line of a log is only begun. A whole one whose line end was altered is not."""
    if text.endswith(b"\n"):
        return False
    try:
        follow(key, head, text[:-1] + b"\n")
    except BrokenError:
        return True
    return False


def follow(key: bytes, head: Head, text: bytes) -> tuple[Head, dict[str, Any]]:
    """The head after a line, and its record. BrokenError where the line does not follow ``head``."""
    if not text.endswith(_CLOSE):
        raise BrokenError("the line is cut short")
    if not text.startswith(_OPEN) or text[_SEAL_AT + 64 : _RECORD_AT] != _MIDDLE:
        raise BrokenError("not a line of an evidence log")
    record = text[_RECORD_AT : -len(_CLOSE)]
    own = seal(key, head.seal, record)
    if not hmac.compare_digest(own.hex().encode(), text[_SEAL_AT : _SEAL_AT + 64]):
        raise BrokenError("the seal does not fit the record and what stands before it")
    content: dict[str, Any] = json.loads(record)
    if content["seq"] != head.seq + 1:
        raise BrokenError(f"numbered {content['seq']}, need {head.seq + 1}")
    return Head(head.seq + 1, own), content


def content_of(text: bytes) -> dict[str, Any] | None:
    """The record of a whole line, unchecked; None for anything else."""
    if not text.endswith(_CLOSE) or not text.startswith(_OPEN):
        return None
    try:
        content: dict[str, Any] = json.loads(text[_RECORD_AT : -len(_CLOSE)])
    except ValueError:
        return None
    return content


def stated(text: bytes) -> tuple[Head, float] | None:
    """The head and Unix time that a whole line claims, unchecked; None for anything else."""
    content = content_of(text)
    if content is None:
        return None
    try:
        own = bytes.fromhex(text[_SEAL_AT : _SEAL_AT + 64].decode("ascii"))
        return Head(int(content["seq"]), own), datetime.fromisoformat(content["at"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return None
