"""The monitor process: rings in, metrics and the page out, over a unix socket that the supervisor asks."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.features.language import second_opinion
from detectors.features.memory import Memory
from detectors.watch.units import Units
from sidecar import __version__, control, handover
from sidecar.admin.site import Site
from sidecar.admin.status import DataPlaneView, Kept, Status, behaviours_status, detectable
from sidecar.config import Config
from sidecar.export.base import Exporter
from sidecar.export.canaries import CanaryCollector
from sidecar.export.evidence import EvidenceExporter
from sidecar.export.exposition import Exposition
from sidecar.export.fleet import FleetCollector
from sidecar.export.labels import Labels, Limits
from sidecar.export.otlp import Otlp, OtlpSettings
from sidecar.export.prometheus import PrometheusExporter
from sidecar.export.samples import SampleExporter
from sidecar.export.verdicts import VerdictCollector
from sidecar.fleet.membership import Membership, without_canaries
from sidecar.gateway.counters import Counters, schema
from sidecar.gateway.ring import RingReader
from sidecar.monitor.chronicle import CanaryCounts, Chronicle, config_digest
from sidecar.monitor.copying import Copying
from sidecar.monitor.judging import Judging, rules
from sidecar.monitor.naming import Naming
from sidecar.monitor.niceness import step_back
from sidecar.monitor.pipeline import Pipeline
from sidecar.monitor.probing import Probing
from sidecar.monitor.reading import Reading
from sidecar.monitor.sample_store import sample_store
from sidecar.monitor.scrape import Scrape
from sidecar.monitor.selftest import Selftest, last_success_s
from sidecar.monitor.steady_clock import SteadyClock
from sidecar.monitor.tally import Tally
from sidecar.monitor.ticks import Rates, language_mix
from sidecar.monitor.user_load import UserLoad
from sidecar.wire.base import formats

log = logging.getLogger("kilter.monitor")

BEAT_S = 0.25
MOST_JUDGE_S = 1.0
HOUR_S = 3600.0
ALARMS_SHOWN = 20


class Monitor:
    """Built from the checked configuration and the descriptors of the document."""

    def __init__(self, config: Config, document: Mapping[str, Any]) -> None:
        self.config = config
        self._document = document
        self._board = control.Board(handover.mapped(document["board"]).cast("d"))
        protocols = sorted({wire_format.name for wire_format in formats()})
        self._data_plane = DataPlaneView(
            [Counters(schema(protocols), handover.mapped(fd).cast("d")) for fd in document["counters"]]
        )
        self._registry = CollectorRegistry()
        self._scrape = Scrape(Exposition(self._registry), lambda work: asyncio.get_running_loop().call_soon(work))
        self._watched = behaviours()
        window_s = max(config.ticks.window_s, config.ticks.length_s)
        self._rates = Rates(config.ticks.length_s, window_s, Units(self._watched).row)
        self._prometheus = PrometheusExporter(self._registry, protocols, self._rates.totals)
        self._tally = Tally()
        # Signatures of inputs live as long as this process: a key of its own keeps them from meaning anything elsewhere.
        memory = Memory(secrets.randbits(63))
        capture_settings = config.gateway_settings(()).capture
        install_key = bytes.fromhex(document["install_key"])
        naming = Naming(install_key, capture_settings, os.urandom, self._prometheus.recognised)
        self._labels = Labels(self._watched, Limits(**config.labels.model_dump()), self._prometheus.overflow)
        facts = {
            "config_sha256": config_digest(config),
            "classifier": classifier_digest(),
            "observing": self._board.observe,
            "keeps_samples": bool(config.keep_samples.dir),
        }
        self._evidence = EvidenceExporter(config.state_dir, self._registry, time.time(), facts, time.time)
        self._judging = Judging(config, self._watched, time.time(), self._witness)
        self._clock = SteadyClock(
            time.time, time.monotonic, self._judging.judged().judged_until_s, absorb=not config.store
        )
        self._clock.shown(self._registry)
        self._know_baseline()
        self._registry.register(VerdictCollector(self._judging.judged))
        self._fleet = Membership(
            config, install_key, self._judging, self._know_baseline, lambda: self._data_plane.traffic().inflight
        )
        self._registry.register(FleetCollector(self._fleet.status))
        self._selftest = Selftest(
            lambda: self._judging.analysis.baseline,
            rules(config),
            self._witness,
            self._registry,
            time.time,
            last_success_s(self._evidence.latest("selftest")),
            capture_settings,
        )
        self._otlp = Otlp(OtlpSettings(**config.otlp.model_dump())) if config.otlp.endpoint else None
        rings = [RingReader(handover.mapped(fd)) for fd in document["rings"]]
        self._reading = Reading(rings, self._process, time.monotonic)
        self._copying = Copying(self._data_plane, self._reading, self._tally)
        self._chronicle = Chronicle(
            self._evidence, config, self._judging, self._data_plane, self._copying.counts, self._canary_counts
        )
        self._samples = SampleExporter(sample_store(config), self._registry, time.time)
        self._exporters: list[Exporter] = [
            self._prometheus, self._tally, self._evidence, self._chronicle, self._samples,
        ]  # fmt: skip
        if self._otlp is not None:
            self._exporters.append(self._otlp.exporter)
        self._pipeline = Pipeline(
            self._watched,
            self._labels,
            self._rates,
            self._exporters,
            memory,
            lambda record: self._clock.placed(naming.read(record)),
            judge=self._fleet.observe,
            earlier=self._fleet.earlier,
        )
        canary = config.canary
        load = UserLoad(
            self._data_plane,
            canary.max_inflight,
            canary.max_first_chunk_s,
            time.monotonic,
            lambda: not self._board.observe,
        )
        self._probing = Probing(
            without_canaries(config), document["canary_secret"], load, self._witness, lambda: language_mix(self._rates)
        )
        self._registry.register(CanaryCollector(self._probing.canaries))
        self._copied_until_s: float | None = None
        self._lag_s = 0.0
        self._more = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Until SIGTERM or the end of the supervisor; then reads what is left in the rings."""
        step_back()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_reader(self._document["lifeline"], self._end)
        for wake in self._document["wakes"]:
            loop.add_reader(wake, self._woken, wake)
        runner = web.AppRunner(self._application(), access_log=None, handle_signals=False)
        await runner.setup()
        listener = socket.socket(fileno=self._document["listener"])
        await web.SockSite(runner, listener, shutdown_timeout=0.5).start()
        self._beat()
        self._chronicle.begin(time.time(), observing=self._board.observe)
        self._judge()
        self._probing.start()
        self._fleet.start()
        loop.call_later(HOUR_S, self._keep_evidence)
        if not await asyncio.to_thread(second_opinion):  # before anything is read: 80 MB that most traffic needs
            log.warning(
                "languages are told by CLD2 alone: langid's model needs a temporary directory that can be written"
            )
            self._prometheus.second_opinion.set(0)
        self._more.set()  # a monitor started anew finds what its predecessor left
        while not self._stop.is_set():
            await self._more.wait()
            self._more.clear()
            copied_until_s = self._data_plane.copied_until_s()
            if self._reading.slice():
                self._more.set()
            else:  # all that had ended by then has been read
                self._copied_until_s = copied_until_s and self._clock.placed_s(copied_until_s)
            await asyncio.sleep(0)  # whoever asks for metrics gets a turn between two slices
        while self._reading.slice():
            pass
        await self._fleet.end()
        await self._probing.close()
        await self._selftest.close()
        self._chronicle.end(time.time())
        self._judging.end(time.time())
        self._evidence.close(time.time())
        self._samples.close()
        if self._otlp is not None:
            await asyncio.to_thread(self._otlp.close)
        await runner.cleanup()

    def status(self) -> Status:
        """What is known now."""
        self._rates.advance(self._clock.now())
        verdicts = tuple(self._judging.verdicts())
        return Status(
            version=__version__,
            at_s=time.time(),
            upstream=self.config.upstream,
            observing=self._board.observe,
            window_s=self._rates.length_s * self._rates.window_ticks,
            traffic=self._data_plane.traffic(),
            copies=self._copying.status(self._lag_s),
            labels=self._tally.labels,
            behaviours=behaviours_status(self._watched, self._rates.totals(), verdicts),
            verdicts=verdicts,
            gaps=tuple(self._judging.analysis.gaps()),
            alarms=tuple(self._judging.alarms()[:ALARMS_SHOWN]),
            acknowledged=self._judging.acknowledged(),
            baseline=self._judging.described(),
            detectable=detectable(verdicts, self._judging.analysis.rules),
            canaries=self._probing.canaries(),
            kept=self._kept(),
            fleet=self._fleet.status(),
        )

    def _kept(self) -> Kept:
        lost, consistent = "kilter_evidence_lost_records", "kilter_evidence_consistent"
        evidence = self._registry.restricted_registry([lost, consistent])  # whoever asks the whole collects the whole
        said = {sample.name: sample.value for metric in evidence.collect() for sample in metric.samples}
        return Kept(said.get(consistent, 0.0) == 1, round(said.get(lost, 0.0)), self._judging.store_errors)

    def _application(self) -> web.Application:
        app = Site(self._judging, self.status, self._probing.canaries, time.time, self._know_baseline).application()
        app.router.add_get("/metrics", self._metrics)
        self._selftest.add_to(app)
        return app

    async def _metrics(self, _: web.Request) -> web.Response:
        self._rates.advance(self._clock.now())
        for outcome, count in zip(("bad_crc", "lost"), self._reading.more_losses(), strict=True):
            self._prometheus.records(outcome, count)
        self._prometheus.lag.set(self._lag_s)
        return web.Response(body=self._scrape.text(), content_type="text/plain")

    def _process(self, record: bytes) -> None:
        started = time.perf_counter()
        capture = self._pipeline.process(record)
        self._prometheus.seconds.observe(time.perf_counter() - started)
        self._prometheus.records("read")
        if capture is not None:
            self._probing.seen(capture)
        if capture is not None and capture.finished_s is not None:
            self._lag_s = max(0.0, self._clock.now() - capture.started_at_s - capture.finished_s)

    def _woken(self, wake: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(wake)
        self._more.set()

    def _beat(self) -> None:
        self._board.monitor_beat_s = time.monotonic()
        asyncio.get_running_loop().call_later(BEAT_S, self._beat)

    def _judge(self) -> None:
        """Closes the ticks that can be, now and then."""
        now_s = self._clock.now()
        kept, lost = self._copying.more()
        self._judging.succession.copied(now_s, kept, lost)
        self._fleet.close(now_s, self._copied_until_s, kept, lost)
        try:
            changed = self._judging.close(now_s, self._copied_until_s)
        except Exception:  # a mistake in judging must not stop the reading
            log.exception("the ticks could not be judged")
            self._prometheus.failed("judgement")
            changed = []
        for verdict in changed:
            for exporter in self._exporters:
                exporter.verdict(verdict)
            self._probing.alarmed(verdict)
        self._judging.look_ahead()
        self._samples.expire()
        self._chronicle.moment(time.time(), observing=self._board.observe)
        self._scrape.ahead(self._judging.analysis.closed)
        wait_s = min(MOST_JUDGE_S, self.config.ticks.length_s / 4)
        asyncio.get_running_loop().call_later(wait_s, self._judge)
        self._more.set()  # even without traffic, what has been copied is looked at anew

    def _witness(self, kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
        """A person's command, or what a canary found, into the evidence log; the latter also to a collector."""
        self._evidence.record(kind, data, time.time(), payload)
        if kind == "probe" and self._otlp is not None:
            self._otlp.exporter.canary(data, time.time())

    def _canary_counts(self) -> CanaryCounts:
        canaries = self._probing.canaries()
        return CanaryCounts(canaries.skipped, canaries.tokens)

    def _keep_evidence(self) -> None:
        self._chronicle.hour(time.time())
        self._evidence.keep(time.time())
        asyncio.get_running_loop().call_later(HOUR_S, self._keep_evidence)

    def _know_baseline(self) -> None:
        self._labels.know(self._judging.series())

    def _end(self) -> None:
        asyncio.get_running_loop().remove_reader(self._document["lifeline"])
        self._stop.set()
        self._more.set()
