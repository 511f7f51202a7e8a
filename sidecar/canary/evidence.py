"""How sure are the canaries that one way of asking is worse than another? E-values by cell, and one share of the budget over all.

A cell is a gap (``language:bn``, ``depth:16``, ``goodhart`` …), a category in which a change of the variant is measured
(``change:adversarial``), or what the same variant passed before (``time:adversarial``, ``sidecar.canary.over_time``). Of the
first two, flips, one pair a family and epoch, are evidence that may be looked at after every pair
(``detectors.stats.paired_flips``): 7 to 0 reach ``WATCH``, 11 to 1, 14 to 2, 16 to 3, 18 to 4. A watch is for one
cell; ``confirmed`` are those that e-BH names over all cells at the canaries' share of the false-alarm budget.

What is counted belongs to one variant and begins anew with the next. No clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log10
from typing import Any, Literal, get_args

import numpy as np

from detectors.stats.multiplicity import e_bh
from detectors.stats.paired_flips import log_e_value
from sidecar.canary.compare import WATCH
from sidecar.canary.over_time import Trend
from sidecar.canary.recheck import Pair

State = Literal["none", "watch", "confirmed"]
STATES: tuple[State, ...] = get_args(State)

SHARE = 3 / 7
"""Of the budget of the live detectors, so that both together are 1 %."""
MOST_UNITS = 20_000
_MOST_LOG = 700.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of ``cell``: ``worse`` flips towards failure, ``better`` ones the other way; failures and passes where it is of time."""

    cell: str
    worse: int
    better: int
    e_value: float
    state: State

    @property
    def log10(self) -> float:
        """As it is exported."""
        return log10(self.e_value)


class Flips:
    """Those of every cell since the variant began, each family once an epoch."""

    def __init__(self) -> None:
        self._worse: Counter[str] = Counter()
        self._better: Counter[str] = Counter()
        self._seen: dict[tuple[str, str, str, int], None] = {}

    def take(self, pairs: Mapping[str, Iterable[Pair]]) -> None:
        """Counts what is new among ``pairs``, by cell: first way, second way."""
        for cell, members in pairs.items():
            for first, other in members:
                unit = (cell, other.case.suite, other.case.family, other.case.epoch)
                if unit in self._seen:
                    continue
                self._seen[unit] = None
                passed = first.verdict.outcome == "pass", other.verdict.outcome == "pass"
                self._worse[cell] += passed == (True, False)
                self._better[cell] += passed == (False, True)
        while len(self._seen) > MOST_UNITS:
            del self._seen[next(iter(self._seen))]

    @property
    def pairs(self) -> int:
        """How many were counted, of those that are remembered."""
        return len(self._seen)

    def counts(self) -> dict[str, tuple[int, int]]:
        """(worse, better) by cell."""
        return {cell: (self._worse[cell], self._better[cell]) for cell in sorted(self._worse)}

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {"worse": dict(self._worse), "better": dict(self._better), "seen": [list(unit) for unit in self._seen]}

    def restore(self, raw: Mapping[str, Any]) -> None:
        """Goes on from ``to_dict``. KeyError, TypeError or ValueError where it is none."""
        worse = Counter({str(cell): int(count) for cell, count in raw["worse"].items()})
        better = Counter({str(cell): int(count) for cell, count in raw["better"].items()})
        seen = {(str(cell), str(suite), str(family), int(epoch)): None for cell, suite, family, epoch in raw["seen"]}
        self._worse, self._better, self._seen = worse, better, seen


def weighed(counts: Mapping[str, tuple[int, int]], alpha: float, trends: Iterable[Trend] = ()) -> list[Evidence]:
    """Every cell's evidence, ``confirmed`` at false discovery rate ``alpha`` over all of them, those of ``trends`` too.

    >>> [one.state for one in weighed({"a": (7, 0), "b": (0, 0), "c": (20, 0)}, 0.003)]
    ['watch', 'none', 'confirmed']
    """
    named = [*counts]
    cells = [counts[name] for name in named]
    logs = [float(one) for one in log_e_value([b for b, _ in cells], [c for _, c in cells])] if cells else []
    # Evidence that the second way is better is none for an alarm.
    worse = [b > c for b, c in cells]
    for trend in trends:
        named.append(trend.cell)
        cells.append((trend.failed, trend.counted - trend.failed))
        logs.append(trend.log_e)
        worse.append(True)  # by what it tests
    if not named:
        return []
    e_values = np.exp(np.minimum(logs, _MOST_LOG))
    confirmed = e_bh(np.where(worse, e_values, 0.0), alpha)
    found = []
    for at, (name, (b, c)) in enumerate(zip(named, cells, strict=True)):
        e_value = float(e_values[at])
        state: State = "confirmed" if confirmed[at] else "watch" if worse[at] and e_value >= WATCH else "none"
        found.append(Evidence(name, b, c, e_value, state))
    return found
