"""Which ticks are open, which can be closed, and which must not be judged.

Rules of this file
* A tick is a stretch of the time at which requests BEGAN. By the time at which answers end short answers, which refusals
  are, would come first, and every rise of traffic would look like a rise of refusals.
* It closes when nothing that began in it is in flight, at the latest ``grace_s`` after its end. What
  ends later is unfinished: counted, and left out.
* Where more than one in 200 copies was lost for reasons that depend on the answer (a full ring), a
  tick says something about the losses; it is invalid and its counts are not used. So is one of
  which a part was lost with the memory of a process.
* Silence is no data: of a long stretch without observations nothing is handed on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from detectors.watch.open_tick import OpenTick, TickCounts

Invalid = Literal["losses", "restart"]
INVALID: tuple[Invalid, ...] = ("losses", "restart")

TOLERATED_LOSSES = 0.005
SILENT_TICKS = 60
MOST_ENTRIES = 500_000
"""Observations held in open ticks; past them the oldest tick closes early. Some 100 MB."""


@dataclass(slots=True)
class ClosedTick:
    """``index`` times the tick's length is the Unix time of its beginning. ``counts`` are empty where it is invalid."""

    index: int
    counts: TickCounts
    invalid: Invalid | None = None


class Ticks:
    """Ticks of ``tick_s`` seconds. ``next`` is the first that has not closed, None before the first closing."""

    def __init__(self, tick_s: float, grace_s: float) -> None:
        self.tick_s = tick_s
        self.grace_s = grace_s
        self.next: int | None = None
        self.unfinished = 0
        self._open: dict[int, OpenTick] = {}
        self._copies: dict[int, list[int]] = {}
        self._lost_until = -1

    def at(self, at_s: float) -> OpenTick | None:
        """The open tick of a request that began at ``at_s``; None, and counted, where it has closed."""
        index = self.index(at_s)
        if self.next is not None and index < self.next:
            self.unfinished += 1
            return None
        tick = self._open.get(index)
        if tick is None:
            tick = self._open[index] = OpenTick()
        return tick

    def index(self, at_s: float) -> int:
        """The tick in which ``at_s`` lies."""
        return int(at_s // self.tick_s)

    def copied(self, at_s: float, kept: int, lost: int) -> None:
        """Of the copies made about ``at_s``, how many came whole and how many were lost."""
        index = self.index(at_s)
        if self.next is None or index >= self.next:
            copies = self._copies.setdefault(index, [0, 0])
            copies[0] += kept
            copies[1] += lost

    def forgot(self, until_s: float) -> None:
        """What began before ``until_s`` and had not been closed is incomplete: a process died with it."""
        self._lost_until = self.index(until_s)

    def close(self, now_s: float, in_flight_since_s: float | None) -> Iterator[ClosedTick]:
        """Closes what can be, in order. ``in_flight_since_s``: nothing that began before is in flight any
        more, and all of it has been told; None where this is not known.
        """
        if self.next is None:
            if not self._open:
                return
            self.next = min(self._open)
        until = self.index(now_s - self.grace_s)
        if in_flight_since_s is not None:
            until = max(until, self.index(min(in_flight_since_s, now_s)))
        held = sum(tick.entries for tick in self._open.values())
        while self.next < until or held > MOST_ENTRIES:
            if not self._open and until - self.next > SILENT_TICKS:
                self.next = until
                break
            upcoming = min(self._open, default=until)
            if upcoming - self.next > SILENT_TICKS:
                self.next = upcoming
            tick = self._open.pop(self.next, None)
            held -= tick.entries if tick else 0
            invalid = self._invalid(self.next)
            counts = TickCounts() if tick is None or invalid else tick.counts()
            yield ClosedTick(self.next, counts, invalid if tick else None)
            self.next += 1
        self._copies = {index: copies for index, copies in self._copies.items() if index >= self.next}

    def _invalid(self, index: int) -> Invalid | None:
        if index <= self._lost_until:
            return "restart"
        kept, lost = self._copies.pop(index, (0, 0))
        return "losses" if lost > TOLERATED_LOSSES * (kept + lost) else None

    def state(self, *, whole: bool) -> dict[str, Any]:
        """JSON-able; see ``restore``. Open ticks only where ``whole``."""
        return {
            "next": self.next,
            "unfinished": self.unfinished,
            "lost_until": self._lost_until,
            "open": {str(index): tick.state() for index, tick in self._open.items()} if whole else {},
            "copies": {str(index): copies for index, copies in self._copies.items()} if whole else {},
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self.next, self.unfinished, self._lost_until = state["next"], state["unfinished"], state["lost_until"]
        self._copies = {int(index): list(copies) for index, copies in state["copies"].items()}
        for index, tick in state["open"].items():
            self._open[int(index)] = OpenTick()
            self._open[int(index)].restore(tick)
