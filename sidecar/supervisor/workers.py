"""The gateway workers: kept running, and replaced one after the other without losing a request.

A replacement is started in the spare slot first. Only when it accepts is the old worker told to
retire: it accepts no more, answers what it has, and lets each connection that is kept open ask
once more, with ``Connection: close`` in the answer. A replacement that does not come up is given
up, and the old worker stays.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import time
from collections.abc import Callable, Iterable, Sequence

from sidecar import control
from sidecar.supervisor.child import Child
from sidecar.supervisor.slots import Slot

log = logging.getLogger("kilter.supervisor")

HEARTBEAT_LIMIT_S = 2.0
START_LIMIT_S = 30.0
AFTER_GRACE_S = 2.0


class Worker(Child):
    """A worker with the shared memory it writes. ``describe()`` and ``descriptors`` are those of ``Child``."""

    def __init__(
        self, name: str, slot: Slot, describe: Callable[[], dict[str, object]], descriptors: Iterable[int]
    ) -> None:
        super().__init__(name, "sidecar.gateway", describe, (*descriptors, *slot.descriptors))
        self.slot = slot


class Workers:
    """``slots``: one more than there are workers. ``make(name, slot)`` makes a worker that is not started."""

    def __init__(self, slots: Sequence[Slot], board: control.Board, make: Callable[[str, Slot], Worker]) -> None:
        *mine, self._spare = slots
        self._board = board
        self._make = make
        self.kept = [make(f"worker-{role}", slot) for role, slot in enumerate(mine)]
        self.passing: list[Worker] = []  # on their way in or out: not started again when they end

    @property
    def every(self) -> list[Worker]:
        """All that may run."""
        return [*self.kept, *self.passing]

    def accepting(self, now_s: float) -> bool:
        """A live worker said lately that it takes requests."""
        return any(self._accepts(worker, now_s) for worker in self.kept)

    def _accepts(self, worker: Worker, now_s: float) -> bool:
        state, beat_s = self._board.worker(worker.slot.index)
        return worker.alive and state == control.ACCEPTING and now_s - beat_s < HEARTBEAT_LIMIT_S

    def ended(self, worker: Worker) -> None:
        """What a dead worker last said is not true of its successor, and nothing of it is in flight."""
        self._board.set_worker(worker.slot.index, control.STARTING, 0.0)
        worker.slot.counters.reset_gauges()

    async def replace_each(self, grace_s: float) -> bool:
        """Replaces the workers one after the other; each old one has ``grace_s`` for its streams. False: given up."""
        for role, old in enumerate(self.kept):
            fresh = self._make(old.name, self._spare)
            fresh.restarts = old.restarts
            self.passing.append(fresh)
            fresh.start(time.monotonic())
            if not await self._comes_up(fresh):
                fresh.signal(signal.SIGKILL)
                await gone([fresh], AFTER_GRACE_S)
                self.passing.remove(fresh)
                log.error("a new worker does not accept: the old ones stay", extra={"fields": {"child": old.name}})
                return False
            self.kept[role] = fresh
            self.passing = [old]
            old.signal(signal.SIGUSR2)
            await gone([old], grace_s + AFTER_GRACE_S)
            self.passing = []
            self._spare = old.slot
            log.info("a worker was replaced", extra={"fields": {"child": old.name}})
        return True

    async def _comes_up(self, fresh: Worker) -> bool:
        deadline = time.monotonic() + START_LIMIT_S
        while fresh.alive and time.monotonic() < deadline:
            if self._accepts(fresh, time.monotonic()):
                return True
            await asyncio.sleep(0.02)
        return False


async def gone(children: Iterable[Child], limit_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """Waits until all have ended; kills what is left after ``limit_s`` or when ``hurry()``."""
    children = list(children)
    await _ended(children, limit_s, hurry)
    for child in children:
        child.signal(signal.SIGKILL)
    await _ended(children, AFTER_GRACE_S)


async def _ended(children: Sequence[Child], limit_s: float, hurry: Callable[[], bool] = lambda: False) -> None:
    deadline = time.monotonic() + limit_s
    while any(child.alive for child in children) and time.monotonic() < deadline and not hurry():  # noqa: ASYNC110  # deaths come by signal
        await asyncio.sleep(0.02)
