"""Canaries for as long as a process lives: one at a time, at random moments, each result kept at once.

The same prober asks here and in ``kilter canary run``; only who decides what comes next differs. Where the
file of results cannot be used nothing is asked, since the budget could not be kept.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from random import Random

from sidecar.canary.agenda import Agenda
from sidecar.canary.case import Case
from sidecar.canary.errand import Errand
from sidecar.canary.errands import HASTE, LADDER_RUN, Errands
from sidecar.canary.prober import Probe, Prober
from sidecar.canary.results import Results
from sidecar.canary.rota import Cell, Known, Rota
from sidecar.canary.rounds import row
from sidecar.canary.schedule import wait_s
from sidecar.canary.shelf import Shelf
from sidecar.canary.window import Window

log = logging.getLogger("kilter.monitor")

RUN = "schedule"
"""The run that results of a patrol belong to."""

_FOR_NOW = ("load", "budget")
"""What decided that a prompt was not asked now: it is to be asked later."""


async def _nothing() -> None:
    """Needs no more."""


class Patrol:
    """``mix()``: traffic by language. ``told`` hears of every probe, ``failed`` of every error of ours; ``erred`` is awaited
    after a probe that got no whole reply. ``mean_s``: between two probes, in the mean. ``errands`` go before the rota.
    ``prompts``: those that could be asked at the last turn.
    """

    def __init__(
        self,
        shelf: Shelf,
        agenda: Agenda,
        prober: Prober,
        results: Results,
        window: Window,
        *,
        secret_id: str,
        mean_s: float,
        rng: Random,
        now: Callable[[], float],
        mix: Callable[[], Mapping[str, float]] = dict,
        told: Callable[[Probe], None] = lambda _: None,
        failed: Callable[[], None] = lambda: None,
        erred: Callable[[], Awaitable[None]] = _nothing,
        errands: Errands | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._shelf = shelf
        self._agenda = agenda
        self._prober = prober
        self._results = results
        self._window = window
        self._secret_id = secret_id
        self._mean_s = mean_s
        self._rng = rng
        self._now = now
        self._mix = mix
        self._told = told
        self._failed = failed
        self._erred = erred
        self._errands = errands
        self._sleep = sleep
        self._rota = Rota()
        self.prompts: dict[Cell, list[Case]] = {}

    async def run(self) -> None:
        """Until it is cancelled. An error of ours loses one turn."""
        while True:
            hurried = self._errands is not None and self._errands.hurried
            await self._sleep(wait_s(self._rng, self._mean_s / HASTE if hurried else self._mean_s))
            try:
                await self.turn()
            except Exception:
                log.exception("a canary was lost")
                self._failed()

    def look(self) -> None:
        """Reads suites that have changed."""
        self._shelf.look()
        self._agenda.renew(self._shelf.suites)
        found = self._agenda.cells(self._now())
        if self._errands is not None:  # short greedy prompts that never change are not the rota's
            found = {cell: [case for case in cases if not case.greedy] for cell, cases in found.items()}
        self.prompts = {cell: cases for cell, cases in found.items() if cases}

    async def turn(self) -> Probe | None:
        """Asks the next prompt, or finds that now is no time for it; None where there is no prompt at all."""
        self.look()
        if self._errands is not None and (errand := self._errands.next()):
            return await self._run_errand(self._errands, errand)
        now_s = self._now()
        cell = self._rota.next(self._known(self.prompts), self._mix())
        asked = self._agenda.next(cell, now_s) if cell else None
        if cell is None or asked is None:
            return None
        case, repeat = asked
        try:
            probe = await self._prober.probe(case, repeat)
        except Exception:  # a mistake of ours that this prompt brings out must not keep the others from being asked
            self._rota.asked(cell)
            self._agenda.done(case, repeat)
            raise
        resting = probe.verdict.reason == "circuit_open"
        if not resting:
            self._rota.asked(cell)
            self._agenda.done(case, repeat, again=probe.transcript is None and probe.verdict.decided_by in _FOR_NOW)
        if self._errands is not None:
            probe = self._errands.heard(probe)
        await self._heard(probe, RUN)
        return probe

    async def _run_errand(self, errands: Errands, errand: Errand) -> Probe:
        try:
            asked = await self._prober.probe(errand.case, errand.repeat, errand.sampling)
        except Exception:  # a mistake of ours that this prompt brings out must not keep the rota from its turns
            errands.rest()
            raise
        probe = errands.done(errand, asked)
        await self._heard(probe, errand.run)
        return probe

    async def _heard(self, probe: Probe, run: str) -> None:
        if probe.transcript is not None:
            self._results.add(row(probe, run, self._secret_id))
            if run != LADDER_RUN:  # asked a second time of the same model: a pair of its own, and none of the window
                self._window.add(probe)
        self._told(probe)
        if probe.verdict.outcome == "error":
            await self._erred()

    def _known(self, cells: Mapping[Cell, list[Case]]) -> dict[Cell, Known]:
        decided: dict[Cell, list[bool]] = defaultdict(list)
        for probe in self._window.probes(self._now()):
            if probe.verdict.outcome in ("pass", "fail"):
                decided[probe.case.suite, probe.case.language].append(probe.verdict.outcome == "pass")
        return {
            cell: Known(
                len(cases), sum(case.weight for case in cases) / len(cases), sum(decided[cell]), len(decided[cell])
            )
            for cell, cases in cells.items()
        }
