"""When behaviour was watched, and when it was not: starts, stops, pauses, kills, and records that could not be written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from sidecar.report.history import Entry, History

Why = Literal["no_log", "stopped", "killed", "paused", "unrecorded"]
SILENT_S = 2 * 3600.0
"""A running monitor records its head every hour: a log that ends longer ago tells nothing of the time after."""


@dataclass(frozen=True, slots=True)
class Gap:
    """``why``: no log was kept; Kilter was ``stopped``, or ended unrecorded (``killed``); a person paused it; it watched, but
    ``lost`` records could not be written (``unrecorded``).
    """

    from_s: float
    until_s: float
    why: Why
    lost: int = 0

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.until_s - self.from_s


def gaps(history: History) -> list[Gap]:
    """Those of the period, cut to it, by time."""
    found = [*_unwatched(history), *_unrecorded(history)]
    cut = (Gap(max(one.from_s, history.from_s), min(one.until_s, history.until_s), one.why, one.lost) for one in found)
    return sorted((one for one in cut if one.seconds > 0 or one.lost), key=lambda one: (one.from_s, one.why))


def watched_ratio(history: History, found: Iterable[Gap]) -> float:
    """Share of the period in which behaviour was watched, in [0, 1]; overlapping gaps count once."""
    lost_s, until_s = 0.0, history.from_s
    for one in sorted((gap for gap in found if gap.why != "unrecorded"), key=lambda gap: gap.from_s):
        lost_s += max(0.0, one.until_s - max(one.from_s, until_s))
        until_s = max(until_s, one.until_s)
    return 1 - lost_s / (history.until_s - history.from_s)


def _unwatched(history: History) -> Iterator[Gap]:
    if history.first_s is None or history.last_s is None:
        yield Gap(history.from_s, history.until_s, "no_log")
        return
    if history.first_s > history.from_s:
        yield Gap(history.from_s, history.first_s, "no_log")
    stopped_s, paused_s = _held(history)
    for entry in history.entries:
        if entry.kind == "stop":
            stopped_s = entry.at_s
            if paused_s is not None:
                yield Gap(paused_s, entry.at_s, "paused")
                paused_s = None
        elif entry.kind == "start":
            if stopped_s is not None:
                yield Gap(stopped_s, entry.at_s, "stopped")
            stopped_s = None
        elif entry.kind == "gap" and entry.data["reason"] == "stopped_unrecorded":
            # A killed process held no pause: the next start says anew whether it observes.
            if paused_s is not None:
                yield Gap(paused_s, entry.data["since_s"], "paused")
                paused_s = None
            yield Gap(entry.data["since_s"], entry.data["until_s"], "killed")
        elif entry.kind == "pause":
            paused_s = entry.at_s if paused_s is None else paused_s
        elif entry.kind == "resume" and paused_s is not None:
            yield Gap(paused_s, entry.at_s, "paused")
            paused_s = None
    if stopped_s is not None:
        yield Gap(stopped_s, history.until_s, "stopped")
    elif history.until_s - history.last_s > SILENT_S:
        yield Gap(history.last_s, history.until_s, "killed")
    if paused_s is not None:
        yield Gap(paused_s, history.until_s, "paused")


def _held(history: History) -> tuple[float | None, float | None]:
    """(stopped, paused) since when, at the beginning of the period; None where not."""

    def open_since(begin: str, *ends: str) -> float | None:
        entry = history.before.get(begin)
        later = [history.before[end] for end in ends if end in history.before]
        return entry.at_s if entry and all(_order(entry) > _order(one) for one in later) else None

    return open_since("stop", "start"), open_since("pause", "resume", "stop")


def _order(entry: Entry) -> int:
    return entry.seq


def _unrecorded(history: History) -> Iterator[Gap]:
    for entry in history.of("gap"):
        if entry.data["reason"] == "not_writable":
            yield Gap(entry.data["since_s"], entry.data["until_s"], "unrecorded", entry.data["lost"])
