"""Which canary is asked next: the language that is behind, and in it the suite known least well.

Rules of this file
* Languages share the canaries as users share the traffic, each with at least ``FLOOR``. Where no traffic
  is known they share them by how many prompts they have. The last ``REMEMBERED`` canaries count, so that a
  language that comes up is not caught up with in a burst.
* Within a language the suite is next whose pass ratio has the widest interval times its weight; one that
  fell below a quarter of its even share goes first, so that nothing is starved by a suite that is never sure.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

from sidecar.canary.gaps import wilson

FLOOR = 0.01
REMEMBERED = 200
_EVEN = 0.25
_Z = NormalDist().inv_cdf(0.975)

Cell = tuple[str, str]
"""(suite, language)."""


@dataclass(frozen=True, slots=True)
class Known:
    """Of a cell: how many ``prompts`` >= 1 it has, their mean ``weight`` > 0, and what was decided in the window."""

    prompts: int
    weight: float
    passed: int
    decided: int

    @property
    def width(self) -> float:
        """Of the 95 % interval of the pass ratio, in [0, 1]; 1 where nothing was decided."""
        if not self.decided:
            return 1.0
        low, high = wilson(self.passed, self.decided, _Z)
        return high - low


def shares(prompts: Mapping[str, int], mix: Mapping[str, float]) -> dict[str, float]:
    """What part of the canaries each language should have; sums to 1. ``mix``: traffic by language, in any unit.

    >>> shares({"en": 30, "tr": 10}, {})
    {'en': 0.75, 'tr': 0.25}
    >>> shares({"en": 30, "tr": 10}, {"en": 4.0, "tr": 4.0, "fi": 2.0})
    {'en': 0.5, 'tr': 0.5}
    """
    seen = sum(mix.get(language, 0.0) for language in prompts)
    parts: Mapping[str, float] = prompts
    if seen > 0:
        parts = {language: max(mix.get(language, 0.0) / seen, FLOOR) for language in prompts}
    total = sum(parts.values())
    return {language: part / total for language, part in parts.items()}


class Rota:
    """Remembers what was asked last. The same calls give the same order."""

    def __init__(self) -> None:
        self._asked: deque[Cell] = deque(maxlen=REMEMBERED)

    def next(self, cells: Mapping[Cell, Known], mix: Mapping[str, float]) -> Cell | None:
        """The cell to ask now; None where there is none."""
        if not cells:
            return None
        prompts: Counter[str] = Counter()
        for (_, language), known in cells.items():
            prompts[language] += known.prompts
        wanted = shares(prompts, mix)
        had = Counter(language for _, language in self._asked)
        language = max(sorted(wanted), key=lambda name: wanted[name] * (len(self._asked) + 1) - had[name])
        own = sorted(cell for cell in cells if cell[1] == language)
        counts = Counter(cell for cell in self._asked if cell[1] == language)
        least = min(own, key=lambda cell: counts[cell])
        if counts[least] < _EVEN * counts.total() / len(own):
            return least
        return max(own, key=lambda cell: (cells[cell].width * cells[cell].weight, -counts[cell]))

    def asked(self, cell: Cell) -> None:
        """``cell`` was asked."""
        self._asked.append(cell)
