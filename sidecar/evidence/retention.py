"""Letting go: segments past their time, payloads on demand, and neither while the log is frozen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sidecar.evidence.chain import Head
from sidecar.evidence.log import EvidenceLog
from sidecar.evidence.segments import ORIGIN, last_stated, segments, write_whole

FROZEN = "frozen"
KEEP_DAYS = 183


class FrozenError(Exception):
    """The log is frozen: nothing is removed."""


def frozen(directory: Path) -> bool:
    """Whether somebody froze the log."""
    return (directory / FROZEN).exists()


def frozen_why(directory: Path) -> str | None:
    """The reason that was given, None where the log is not frozen. OSError where it cannot be read."""
    try:
        return (directory / FROZEN).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


def freeze(directory: Path, reason: str) -> None:
    """From now on nothing is removed. OSError where the directory cannot be written."""
    write_whole(directory / FROZEN, reason.encode())


def retain(log: EvidenceLog, at_s: float, keep_days: int = KEEP_DAYS) -> int:
    """Removes the segments older than ``keep_days`` with their payloads; how many. Nothing while frozen.

    The removal is a record before it happens, so that a crash in between leaves a log that still verifies.
    """
    if frozen(log.directory):
        return 0
    oldest = f"{datetime.fromtimestamp(at_s, UTC) - timedelta(days=keep_days):%Y-%m-%d}"
    paths = segments(log.directory)
    past = [path for path in paths[:-1] if path.stem < oldest]
    found = last_stated(past[-1]) if past else None
    if found is None:
        return 0
    through, _ = found
    if log.append("retention", {"through": str(through), "segments": [path.name for path in past]}, at_s) is None:
        return 0
    log.sync()
    write_whole(log.directory / ORIGIN, str(through).encode())
    for path in past:
        path.unlink()
    _remove_payloads(log, through)
    return len(past)


def _remove_payloads(log: EvidenceLog, through: Head) -> None:
    for path in (log.directory / "payloads").glob("*.json"):
        if path.stem.isdecimal() and int(path.stem) <= through.seq:
            path.unlink()


def erase(log: EvidenceLog, numbers: Sequence[int], reason: str, at_s: float) -> list[int]:
    """Erases the payloads of these records; those that had one. FrozenError while frozen."""
    if frozen(log.directory):
        raise FrozenError(f"{log.directory}: the log is frozen (remove {FROZEN} to let it go)")
    if log.append("erasure", {"records": sorted(numbers), "reason": reason}, at_s) is None:
        return []
    return [number for number in sorted(numbers) if log.payloads.erase(number)]
