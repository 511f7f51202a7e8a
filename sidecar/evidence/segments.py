"""The files of an evidence log: a segment a day, and where the oldest kept one begins.

``2026-11-25.jsonl`` holds the records written while that was the day, in order. ``origin`` exists once
retention has removed segments, and holds the head before the first kept record. It needs no protection:
a record of kind ``retention`` inside the chain repeats it.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sidecar.evidence.chain import BrokenError, Head, content_of, stated

SUFFIX = ".jsonl"
ORIGIN = "origin"


def segments(directory: Path) -> list[Path]:
    """The segments, oldest first."""
    return sorted(directory.glob(f"????-??-??{SUFFIX}"))


def segment_of(directory: Path, at_s: float, newest: Path | None) -> Path:
    """Where a record of that time belongs: never before the newest segment, wherever the clock went."""
    path = directory / f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d}{SUFFIX}"
    return max(path, newest) if newest is not None else path


def write_whole(path: Path, content: bytes) -> None:
    """The file is there whole, or as it was. OSError where it cannot be written."""
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        fresh.touch(mode=0o600, exist_ok=False)
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def origin(directory: Path) -> Head:
    """The head before the first kept record. BrokenError where the file does not hold one."""
    try:
        return Head.parse((directory / ORIGIN).read_text(encoding="ascii"))
    except FileNotFoundError:
        return Head()
    except ValueError:
        raise BrokenError(f"the file {ORIGIN} holds no head") from None


def last_stated(path: Path) -> tuple[Head, float] | None:
    """What the last whole line that reads as one says of itself: head and time; None where no line does."""
    found = None
    with path.open("rb") as file:
        for text in file:
            found = stated(text) or found
    return found


def latest(directory: Path, kind: str) -> dict[str, Any] | None:
    """What the last record of a kind says (its ``data``), unchecked; None where none is kept. OSError where it cannot be read."""
    mark = f'"kind":"{kind}"'.encode()
    for path in reversed(segments(directory)):
        with path.open("rb") as file:
            lines = [text for text in file if mark in text]
        for text in reversed(lines):
            content = content_of(text)
            if content is not None and content["kind"] == kind:
                data: dict[str, Any] = content["data"]
                return data
    return None


def kept(directory: Path, begin: Head) -> Iterator[Path]:
    """The segments without those whose removal was begun and not ended."""
    paths = segments(directory)
    for path, after in zip(paths, [*paths[1:], None], strict=True):
        first = _first_seq(after) if after is not None else None
        if first is None or first > begin.seq + 1:
            yield path


def _first_seq(path: Path) -> int | None:
    with path.open("rb") as file:
        found = stated(file.readline())
    return found[0].seq if found else None
