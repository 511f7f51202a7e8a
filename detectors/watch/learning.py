"""Phase I: what is usual, counted until a person promotes it.

Beside the totals, counts are kept by day and by period, to see how much more rates vary than coin tosses would. A
period is some number of ticks that doubles whenever there are more than ``MOST_PERIODS``: half an hour of
learning has as many as a month. Nothing here promotes itself.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from detectors.watch.layered import whole
from detectors.watch.open_tick import Series, TickCounts
from detectors.watch.users import Users

MOST_PERIODS = 64
DAY_S = 86400.0


@dataclass(slots=True)
class Counted:
    """Counts by period and by day; their sums are the total."""

    periods: dict[int, int] = field(default_factory=dict)
    days: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Over the whole time."""
        return sum(self.days.values())

    def add(self, period: int, day: int, count: int) -> None:
        """Adds ``count``."""
        self.periods[period] = self.periods.get(period, 0) + count
        self.days[day] = self.days.get(day, 0) + count

    def halve_periods(self) -> None:
        """Joins every two neighbouring periods."""
        joined: dict[int, int] = defaultdict(int)
        for period, count in self.periods.items():
            joined[period // 2] += count
        self.periods = dict(joined)


class Learning:
    """``trials`` by row, ``events`` by stratum; ``ticks`` counted, from tick ``first`` to tick ``last`` (both None before)."""

    def __init__(self, tick_s: float) -> None:
        self.tick_s = tick_s
        self.ticks = 0
        self.first: int | None = None
        self.last: int | None = None
        self.period_ticks = 1
        self.trials: dict[Series, Counted] = {}
        self.events: dict[Series, Counted] = {}
        self.users: dict[Series, Users] = {}

    @property
    def days(self) -> int:
        """Days (UTC) with observations."""
        return len({day for counted in self.trials.values() for day in counted.days})

    @property
    def most_trials(self) -> int:
        """Of the largest row, whose layers count together."""
        rows: dict[Series, int] = {}
        for layer, counted in self.trials.items():
            rows[whole(layer)] = rows.get(whole(layer), 0) + counted.total
        return max(rows.values(), default=0)

    def update(self, index: int, counts: TickCounts) -> None:
        """One closed tick, in order."""
        if self.first is None:
            self.first = index
        self.last = index
        self.ticks += 1
        while (index - self.first) // self.period_ticks >= MOST_PERIODS:
            self.period_ticks *= 2
            for counted in (*self.trials.values(), *self.events.values()):
                counted.halve_periods()
        period, day = (index - self.first) // self.period_ticks, int(index * self.tick_s // DAY_S)
        for row, trials in counts.trials.items():
            self.trials.setdefault(row, Counted()).add(period, day, trials)
            users = self.users.setdefault(row, Users())
            for user in counts.users[row]:
                users.add(user)
        for series, events in counts.events.items():
            self.events.setdefault(series, Counted()).add(period, day, events)

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "ticks": self.ticks,
            "first": self.first,
            "last": self.last,
            "period_ticks": self.period_ticks,
            "trials": _listed(self.trials),
            "events": _listed(self.events),
            "users": [[*row, users.state()] for row, users in self.users.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self.ticks, self.first, self.last = state["ticks"], state["first"], state["last"]
        self.period_ticks = state["period_ticks"]
        self.trials, self.events = _counted(state["trials"]), _counted(state["events"])
        for *row, saved in state["users"]:
            users = self.users[(row[0], row[1], row[2])] = Users()
            users.restore(saved)


def _listed(counted: dict[Series, Counted]) -> list[list[Any]]:
    return [[*series, list(one.periods.items()), list(one.days.items())] for series, one in counted.items()]


def _counted(listed: list[list[Any]]) -> dict[Series, Counted]:
    return {
        (behaviour, stratum, model): Counted({p: n for p, n in periods}, {d: n for d, n in days})  # noqa: C416  # pairs are lists
        for behaviour, stratum, model, periods, days in listed
    }
