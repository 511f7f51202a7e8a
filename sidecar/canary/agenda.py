"""What is still to be asked in this epoch, for each suite and language.

Rules of this file
* A pass asks every prompt of a cell once. All cells of a suite draw from the same prompts, so that a prompt and
  its translation are asked of the same draw, though not at the same pace.
* A draw whose prompts went through ``max_uses`` passes is used up, over all processes that share ``results``.
* What was asked before a restart is not asked again: it is read back from ``results``.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sidecar.canary import duration
from sidecar.canary.case import Case
from sidecar.canary.draws import secret_id
from sidecar.canary.generate import render
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.results import Results, Row
from sidecar.canary.rota import Cell

Opened = Callable[[LoadedSuite, int, int], None]
"""Is told of a suite, epoch and draw before its first prompt is sent."""

_NEAR_EPOCHS = 1


@dataclass(slots=True)
class _Pass:
    epoch: int
    left: deque[tuple[Case, int]]


class Agenda:
    """``vision``: prompts with images are asked too. ``opened`` is told of every draw that is begun."""

    def __init__(
        self,
        secret: bytes,
        results: Results,
        *,
        vision: bool = False,
        opened: Opened = lambda _suite, _epoch, _draw: None,
    ) -> None:
        self._secret = secret
        self._secret_id = secret_id(secret)
        self._results = results
        self._vision = vision
        self._opened = opened
        self._suites: dict[str, LoadedSuite] = {}
        self._rendered: dict[tuple[str, int, int, date], tuple[Case, ...]] = {}
        self._passes: dict[Cell, _Pass] = {}
        self._asked: dict[tuple[str, int], set[tuple[str, int]]] = defaultdict(set)
        self._begun: dict[tuple[str, int, int], int] = {}

    def recall(self, rows: Iterable[Row], suites: Sequence[LoadedSuite]) -> None:
        """What was asked before this process."""
        known = {suite.suite.suite: suite for suite in suites}
        for row in rows:
            if row.secret_id == self._secret_id and row.suite in known:
                draw = draw_of(known[row.suite], row)
                self._asked[row.suite, row.epoch].add((row.case_id, row.repeat))
                begun = self._begun.get((row.suite, row.epoch, draw), 0)
                self._begun[row.suite, row.epoch, draw] = max(begun, row.repeat + 1)

    def renew(self, suites: Sequence[LoadedSuite]) -> None:
        """The suites as they are now; what is left of a pass through one that changed is dropped."""
        fresh = {suite.suite.suite: suite for suite in suites}
        changed = {name for name in {*fresh, *self._suites} if fresh.get(name) is not self._suites.get(name)}
        self._suites = fresh
        self._rendered = {key: cases for key, cases in self._rendered.items() if key[0] not in changed}
        self._passes = {cell: left for cell, left in self._passes.items() if cell[0] not in changed}

    def cells(self, now_s: float) -> dict[Cell, list[Case]]:
        """The prompts of each cell that has any, of the present draw."""
        found: dict[Cell, list[Case]] = defaultdict(list)
        for name, suite in self._suites.items():
            epoch = _epoch(suite, now_s)
            for case in self._cases(suite, epoch, self._draw(suite, epoch), now_s):
                found[name, case.language].append(case)
        return dict(found)

    def next(self, cell: Cell, now_s: float) -> tuple[Case, int] | None:
        """The prompt to ask now and how often it was asked before; None where the cell has none. It stays until ``done``."""
        suite = self._suites[cell[0]]
        epoch = _epoch(suite, now_s)
        current = self._passes.get(cell)
        if current is None or current.epoch != epoch or not current.left:
            current = self._passes[cell] = _Pass(epoch, deque(self._begin(suite, cell[1], epoch, now_s)))
        return current.left[0] if current.left else None

    def done(self, case: Case, repeat: int, *, again: bool = False) -> None:
        """The prompt's turn is over. ``again``: it was not asked, and is to come back in a later pass."""
        current = self._passes.get((case.suite, case.language))
        if current and current.left and current.left[0] == (case, repeat):
            current.left.popleft()
        if not again:
            self._asked[case.suite, case.epoch].add((case.id, repeat))

    def _begin(self, suite: LoadedSuite, language: str, epoch: int, now_s: float) -> list[tuple[Case, int]]:
        name, most = suite.suite.suite, suite.suite.rotation.max_uses
        self._forget(name, epoch)
        asked = self._asked[name, epoch]
        while True:
            draw = self._draw(suite, epoch)
            cases = [case for case in self._cases(suite, epoch, draw, now_s) if case.language == language]
            if not cases:
                return []
            for repeat in range(most):
                if left := [(case, repeat) for case in cases if (case.id, repeat) not in asked]:
                    self._expose(suite, epoch, draw, repeat, now_s)
                    return left
            # Nothing is left of a draw that others have not used up: one use more, until it is.
            self._results.expose(self._secret_id, name, epoch, draw, now_s)

    def _expose(self, suite: LoadedSuite, epoch: int, draw: int, repeat: int, now_s: float) -> None:
        """Counts one use of the draw where this cell is the first to begin the pass."""
        key = (suite.suite.suite, epoch, draw)
        if repeat >= self._begun.get(key, 0):
            if not repeat:
                self._opened(suite, epoch, draw)
            self._begun[key] = repeat + 1
            self._results.expose(self._secret_id, *key, now_s)

    def _draw(self, suite: LoadedSuite, epoch: int) -> int:
        return self._results.next_draw(self._secret_id, suite.suite.suite, epoch, suite.suite.rotation.max_uses)

    def _cases(self, suite: LoadedSuite, epoch: int, draw: int, now_s: float) -> tuple[Case, ...]:
        """Those that can be asked."""
        today = datetime.fromtimestamp(now_s, UTC).date()
        key = (suite.suite.suite, epoch, draw, today)
        if key not in self._rendered:
            self._rendered = {old: cases for old, cases in self._rendered.items() if old[0] != key[0]}
            made = render(suite, self._secret, epoch, today=today, shift=draw)
            self._rendered[key] = tuple(
                case for case in made if not case.retired and (self._vision or not case.needs_vision)
            )
        return self._rendered[key]

    def _forget(self, name: str, epoch: int) -> None:
        """Of epochs long gone only the file still knows."""
        for key in [key for key in self._asked if key[0] == name and abs(key[1] - epoch) > _NEAR_EPOCHS]:
            del self._asked[key]
        for begun in [key for key in self._begun if key[0] == name and abs(key[1] - epoch) > _NEAR_EPOCHS]:
            del self._begun[begun]


def draw_of(suite: LoadedSuite, row: Row) -> int:
    """The suite's draw that a result belongs to: families may draw several prompts each time."""
    each = next((family.draws for family in suite.suite.families if family.id == row.family), None)
    return row.draw // (each or 1)


def _epoch(suite: LoadedSuite, now_s: float) -> int:
    return max(int(now_s), 0) // duration.seconds(suite.suite.rotation.epoch)
