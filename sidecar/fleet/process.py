"""The process of ``kilter monitor``: makes the verdicts of a fleet, and asks its canaries. No traffic passes through it.

Rules of this file
* Of several such processes one leads. The others answer health, metrics and the page, make no verdicts and ask nothing.
* The admin listener is the one of every Kilter (``supervisor.admin``): the same names, token and forms. What it asks for
  is answered over a unix socket by the same process.
* Evidence is written by whoever leads, into the state directory of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from aiohttp import web
from prometheus_client import CollectorRegistry

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.verdict import Verdict
from detectors.watch.parts import Told
from detectors.watch.units import Units
from sidecar import __version__
from sidecar.admin.api import Judge
from sidecar.admin.site import Site
from sidecar.admin.status import Copies, DataPlaneView, Kept, Status, Traffic, behaviours_status, detectable
from sidecar.config import Config
from sidecar.export.base import Exporter
from sidecar.export.canaries import CanaryCollector
from sidecar.export.evidence import EvidenceExporter
from sidecar.export.exposition import Exposition
from sidecar.export.fleet import FleetCollector
from sidecar.export.otlp import Otlp, OtlpSettings
from sidecar.export.verdicts import Judged, VerdictCollector
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.connection import Connection
from sidecar.fleet.coordinator import Coordinator
from sidecar.monitor.chronicle import CanaryCounts, Chronicle, config_digest
from sidecar.monitor.judging import Judging, rules
from sidecar.monitor.probing import Probing
from sidecar.monitor.selftest import Selftest, last_success_s
from sidecar.monitor.ticks import Rates, language_mix
from sidecar.store.redis import RedisStore
from sidecar.supervisor import exposition, listeners
from sidecar.supervisor.admin import Admin
from sidecar.supervisor.hosts import Hosts

log = logging.getLogger("kilter.monitor")

MOST_WAIT_S = 1.0
HOUR_S = 3600.0
ALARMS_SHOWN = 20


class _Current:
    """Whatever judges at the moment it is asked: the judging changes when the lease does."""

    def __init__(self, coordinator: Coordinator) -> None:
        self._coordinator = coordinator

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coordinator.judging, name)


class _NoTraffic:
    """What the evidence asks of a data plane, where there is none."""

    @staticmethod
    def traffic() -> Traffic:
        return Traffic(0, 0, 0, 0, 0)


class _FleetLoad:
    """Whether users are served: what the replicas say of their requests in flight."""

    def __init__(self, process: FleetMonitor, most: int) -> None:
        self._process, self._most = process, most

    async def busy(self) -> bool:
        return not self._process.observe or self._process.coordinator.inflight > self._most


class FleetMonitor:
    """``key`` keys the fleet's hashes, ``token`` allows commands, ``rotation`` is the canaries' secret as hex. Binds at
    construction: BindError. ``observe`` off: canaries are not asked.
    """

    def __init__(self, config: Config, key: bytes, token: str, rotation: str) -> None:
        self.config = config
        self.observe = config.observe
        self.draining = False
        self._token = token
        self._listener = listeners.bind(config.admin)
        self._folder = tempfile.TemporaryDirectory(prefix="kilter-")
        self._socket = str(Path(self._folder.name) / "monitor.sock")
        self._registry = CollectorRegistry()
        self._exposition = Exposition(self._registry)
        self._watched = behaviours()
        fleet, wanted = config.fleet, rules(config)
        facts = {"config_sha256": config_digest(config), "classifier": classifier_digest(), "observing": config.observe}
        self._evidence = EvidenceExporter(config.state_dir, self._registry, time.time(), facts, time.time)
        window_s = max(config.ticks.window_s, config.ticks.length_s)
        self._rates = Rates(config.ticks.length_s, window_s, Units(self._watched).row)
        self.coordinator = Coordinator(
            Connection(config.store, fleet),
            fleet.name,
            Agreement.of(key, fleet.name, wanted),
            fleet.replica or f"{socket.gethostname()}/{listeners.shown(self._listener)}",
            self._judging,
            wanted,
            fleet.lease_s,
            most=fleet.most_a_stratum,
            tell=self._tell,
            count=self._count,
        )
        current = _Current(self.coordinator)
        self._judge = cast("Judging", current)
        self._otlp = Otlp(OtlpSettings(**config.otlp.model_dump())) if config.otlp.endpoint else None
        self._probing = Probing(
            config,
            rotation,
            _FleetLoad(self, config.canary.max_inflight),
            self._witness,
            lambda: language_mix(self._rates),
        )
        self._probes = False
        self._chronicle = Chronicle(
            self._evidence, config, self._judge, cast("DataPlaneView", _NoTraffic()), lambda: (0, 0), self._canary_counts
        )  # fmt: skip
        self._selftest = Selftest(
            lambda: self.coordinator.judging.analysis.baseline,
            wanted,
            self._witness,
            self._registry,
            time.time,
            last_success_s(self._evidence.latest("selftest")),
            config.gateway_settings(()).capture,
        )
        self._exporters: list[Exporter] = [self._evidence, self._chronicle]
        if self._otlp is not None:
            self._exporters.append(self._otlp.exporter)
        self._registry.register(VerdictCollector(self._judged))
        self._registry.register(CanaryCollector(self._probing.canaries))
        self._registry.register(FleetCollector(self.coordinator.status))
        self._own = exposition.registry(
            exposition.Processes(lambda: {"fleet-monitor": os.getpid()}, lambda: {"fleet-monitor": 0}, self._facts)
        )
        self._stop = asyncio.Event()
        self._wake = asyncio.Event()

    # -- what the admin listener asks --------------------------------------------------------------

    healthy = True
    monitor_up = True

    def accepting(self) -> bool:
        """It takes no traffic, so it is always ready."""
        return True

    async def upstream_reachable(self) -> bool:
        """Not asked for."""
        return True

    def exposition(self, *, monitor_up: bool) -> bytes:  # noqa: ARG002  # as the admin listener asks
        """Of the process itself."""
        return exposition.text(self._own)

    # -- running ------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until SIGTERM or SIGINT; then gives the lease back, so that a standby goes on at once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        app = Site(
            cast("Judge", self._judge), self.status, self._probing.canaries, time.time, self._commanded
        ).application()
        app.router.add_get("/metrics", self._metrics)
        self._selftest.add_to(app)
        hosts = Hosts([self.config.admin, socket.gethostname(), *self.config.admin_hosts])
        admin = Admin(self, self._socket, self._token, hosts)
        runners = [
            web.AppRunner(each, access_log=None, handle_signals=False) for each in (app, admin.application())
        ]  # fmt: skip
        for runner in runners:
            await runner.setup()
        await web.UnixSite(runners[0], self._socket, shutdown_timeout=0.5).start()
        await web.SockSite(runners[1], self._listener, shutdown_timeout=1.0).start()
        self._chronicle.begin(time.time(), observing=self.observe)
        hourly = loop.create_task(self._hourly())
        where = {"admin": listeners.shown(self._listener), "store": self.config.store, "fleet": self.config.fleet.name}
        log.info("kilter monitor is up", extra={"fields": where})
        try:
            await self._judge_on()
        finally:
            self.draining = True
            hourly.cancel()
            await asyncio.gather(hourly, return_exceptions=True)
            await self.coordinator.end()
            await self._probing.close()
            await self._selftest.close()
            self._chronicle.end(time.time())
            self._evidence.close(time.time())
            if self._otlp is not None:
                await asyncio.to_thread(self._otlp.close)
            for runner in reversed(runners):
                await runner.cleanup()
            self._folder.cleanup()
        log.info("kilter monitor has stopped")

    @staticmethod
    def _reload() -> None:
        """SIGHUP, which would end it otherwise."""
        log.warning("a fleet's monitor reads its configuration at its start only: restart it, and the standby goes on")

    async def _judge_on(self) -> None:
        wait_s = min(MOST_WAIT_S, self.config.ticks.length_s / 4, self.config.fleet.lease_s / 4)
        while not self._stop.is_set():
            more = await self.coordinator.cycle()
            await self._ask_canaries()
            self.coordinator.judging.look_ahead()
            self._chronicle.moment(time.time(), observing=self.observe)
            if more:
                await asyncio.sleep(0)
                continue
            self._wake.clear()
            waits = [asyncio.ensure_future(event.wait()) for event in (self._stop, self._wake)]
            await asyncio.wait(waits, timeout=wait_s, return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()

    async def _ask_canaries(self) -> None:
        """Only who leads asks."""
        if self.coordinator.leading and not self._probes:
            self._probing.start()
        elif self._probes and not self.coordinator.leading:
            await self._probing.close()
        self._probes = self.coordinator.leading

    async def _hourly(self) -> None:
        while True:
            await asyncio.sleep(HOUR_S)
            if self.coordinator.leading:
                self._chronicle.hour(time.time())
            self._evidence.keep(time.time())

    # -- parts ---------------------------------------------------------------------------------------

    def status(self) -> Status:
        """What is known now. Rates are those of conversations that count, since nothing else is told."""
        judging = self.coordinator.judging
        self._rates.advance(time.time())
        verdicts = tuple(judging.verdicts())
        return Status(
            version=__version__,
            at_s=time.time(),
            upstream=f"fleet {self.config.fleet.name}",
            observing=self.observe,
            window_s=self._rates.length_s * self._rates.window_ticks,
            traffic=_NoTraffic.traffic(),
            copies=Copies(0, 0, 1.0, 0, 0, 0, 0, 0.0),
            labels={},
            behaviours=behaviours_status(self._watched, self._rates.totals(), verdicts),
            verdicts=verdicts,
            gaps=tuple(judging.standing().gaps),
            alarms=tuple(judging.alarms()[:ALARMS_SHOWN]),
            acknowledged=judging.acknowledged(),
            baseline=judging.described(),
            detectable=detectable(verdicts, judging.analysis.rules),
            canaries=self._probing.canaries(),
            kept=Kept(store_errors=judging.store_errors),
            fleet=self.coordinator.status(),
        )

    async def _metrics(self, _: web.Request) -> web.Response:
        return web.Response(body=self._exposition.text(), content_type="text/plain")

    def _judging(self, store: RedisStore, leads: bool) -> Judging:
        config = self.config
        if not leads:  # a standby adopts nothing, and has nothing to record
            usual = config.baseline.model_copy(update={"file": ""})
            return Judging(config.model_copy(update={"baseline": usual}), self._watched, time.time(), store=store)
        return Judging(config, self._watched, time.time(), self._witness, store)

    def _judged(self) -> Judged:
        return self.coordinator.judging.judged()

    def _commanded(self) -> None:
        self.coordinator.commanded()
        self._wake.set()

    def _tell(self, verdict: Verdict) -> None:
        for exporter in self._exporters:
            exporter.verdict(verdict)
        self._probing.alarmed(verdict)

    def _count(self, told: Told) -> None:
        for seen in told.observations:
            self._rates.count((seen.feature, seen.stratum, told.sighting.model), seen.at_s, seen.value)

    def _witness(self, kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
        self._evidence.record(kind, data, time.time(), payload)
        if kind == "probe" and self._otlp is not None:
            self._otlp.exporter.canary(data, time.time())

    def _canary_counts(self) -> CanaryCounts:
        canaries = self._probing.canaries()
        return CanaryCounts(canaries.skipped, canaries.tokens)

    def _facts(self) -> dict[str, float]:
        return {
            "kilter_monitor_up": 1.0,
            "kilter_observe": float(self.observe),
            "kilter_ring_bytes": 0.0,
            "kilter_draining": float(self.draining),
        }


def monitor_fleet(config: Config, key: bytes, token: str, rotation: str) -> None:
    """Runs until SIGTERM. BindError."""

    async def work() -> None:
        await FleetMonitor(config, key, token, rotation).run()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work())
