"""Fire drills on request: one at a time, in a thread beside the reading of the rings, their outcome kept as evidence."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, Gauge

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.baseline import Baseline
from detectors.watch.rules import Rules
from sidecar.monitor.drill import DRILLED, Drill, drills
from sidecar.monitor.drill_worker import WorkerError
from sidecar.settings import CaptureSettings

log = logging.getLogger("kilter.monitor")

_AS_SHIPPED = CaptureSettings()


class Witness(Protocol):
    """Keeps one record of the evidence log."""

    def __call__(self, kind: str, data: Mapping[str, Any]) -> None:
        """``data`` holds names and numbers only."""


class Selftest:
    """``baseline()`` is the one in use, or None; ``now()`` Unix seconds; ``last_s``: of the last success, 0 for none.
    ``capture``: as the workers have it.
    """

    def __init__(
        self,
        baseline: Callable[[], Baseline | None],
        rules: Rules,
        witness: Witness,
        registry: CollectorRegistry,
        now: Callable[[], float],
        last_s: float,
        capture: CaptureSettings = _AS_SHIPPED,
    ) -> None:
        self._baseline = baseline
        self._rules = rules
        self._capture = capture
        self._witness = witness
        self._now = now
        self._task: asyncio.Task[None] | None = None
        self._outcome: dict[str, Any] = {}
        self._success = Gauge(
            "kilter_selftest_last_success_timestamp_seconds",
            "When all drills of a selftest last fired in time; 0: never.",
            registry=registry,
        )
        self._last_s = last_s
        self._success.set(last_s)
        self._stopped = threading.Event()

    def add_to(self, app: web.Application) -> None:
        """The routes. Writes reach here only with the admin token: the supervisor asks for it."""
        app.router.add_get("/api/v1/selftest", self._show)
        app.router.add_put("/api/v1/selftest", self._start)

    async def close(self) -> None:
        """A drill under way is let go."""
        self._stopped.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _show(self, _: web.Request) -> web.Response:
        return web.json_response({"running": self._running, "outcome": self._outcome or None})

    async def _start(self, _: web.Request) -> web.Response:
        if self._running:
            return _word("a selftest is running already", 429)
        baseline = self._baseline()
        if baseline is None:
            return _word("there is no baseline yet: nothing could raise an alarm (`kilter baseline promote`)", 409)
        if baseline.classifier != classifier_digest():
            return _word("an earlier classifier judges by its baseline: promote the new one first", 409)
        self._outcome = {}
        self._task = asyncio.get_running_loop().create_task(self._run(baseline))
        return web.json_response({"running": True}, status=202)

    @property
    def _running(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _run(self, baseline: Baseline) -> None:
        begun, began_s = time.perf_counter(), self._now()
        loop = asyncio.get_running_loop()
        error = ""
        try:
            done = await loop.run_in_executor(None, self._drilled, baseline, began_s)
        except WorkerError as broken:
            done, error = [], str(broken)
            log.error("the selftest found the way to the ring broken", extra={"fields": {"why": error}})  # noqa: TRY400  # its text says all
        except Exception as mistake:  # a mistake in a drill must not stop the monitor
            done, error = [], type(mistake).__name__
            log.exception("the selftest failed")
        passed = bool(done) and all(drill.fired for drill in done)
        if passed:
            self._last_s = began_s
            self._success.set(began_s)
        drilled = {drill.behaviour for drill in done}
        self._outcome = {
            "at_s": began_s,
            "passed": passed,
            "error": error,
            "seconds": round(time.perf_counter() - begun, 3),
            "baseline": baseline.id,
            "drills": [drill.to_dict() for drill in done],
            "not_drilled": [name for name in DRILLED if name not in drilled],
        }
        self._witness("selftest", {**self._outcome, "last_success_s": self._last_s})
        fields = {"passed": passed, "fired": sum(drill.fired for drill in done), "drills": len(done)}
        log.log(logging.INFO if passed else logging.ERROR, "selftest", extra={"fields": fields})

    def _drilled(self, baseline: Baseline, began_s: float) -> list[Drill]:
        return list(drills(baseline, self._rules, behaviours(), began_s, self._capture, self._stopped.is_set))


def last_success_s(told: Mapping[str, Any] | None) -> float:
    """What the last record of a selftest says of the last success: Unix time, 0 where there was none."""
    return float(told.get("last_success_s", 0.0)) if told else 0.0


def _word(text: str, status: int) -> web.Response:
    return web.Response(text=text + "\n", status=status)
