"""The canaries of a running Kilter: asked by a task of the monitor, past the gateway, with a key and a client of their own.

Rules of this file
* Nothing here raises into the monitor. What cannot be had (key, secret, file of results, the model's name) is said,
  counted, and tried again later.
* Where a probe leaves a record: the file of results, the evidence log, metrics. None holds a word of what was said.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import aiohttp

from detectors.records.verdict import Verdict
from sidecar.canary import duration, printed, secret
from sidecar.canary.agenda import Agenda
from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.changeover import RUN as CHANGE_RUN
from sidecar.canary.diagnosis import Alarm
from sidecar.canary.draws import secret_id
from sidecar.canary.errands import FINGERPRINT_RUN, Errands
from sidecar.canary.judge import ModelJudge, SameModelError
from sidecar.canary.judge_drift import JudgeDrift
from sidecar.canary.load import AnyLoad, Load, QueueLoad
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.patrol import RUN, Patrol
from sidecar.canary.prober import Prober
from sidecar.canary.recall import recalled
from sidecar.canary.results import Results, StoreError
from sidecar.canary.schedule import DAY_S, Minute
from sidecar.canary.shelf import Shelf
from sidecar.canary.variants import Variant
from sidecar.canary.window import Window
from sidecar.config import Config
from sidecar.export.canaries import Canaries
from sidecar.gateway.capture import Capture
from sidecar.monitor import canary_client
from sidecar.monitor.canary_client import CannotAskError, text
from sidecar.monitor.canary_cost import announce
from sidecar.monitor.canary_findings import CanaryFindings, Record
from sidecar.monitor.canary_listing import CanaryListing, NoModelError, endpoint
from sidecar.monitor.canary_tally import CanaryTally, Live
from sidecar.monitor.mirroring import Mirroring

log = logging.getLogger("kilter.monitor")

FILE = "canary.db"
RETRY_S = 60.0


class Probing:
    """``secret_text``: the rotation secret as hex. ``load``: whether users are served. ``mix()``: traffic by language."""

    def __init__(
        self, config: Config, secret_text: str, load: Load, record: Record, mix: Callable[[], Mapping[str, float]]
    ) -> None:
        self._config = config.canary
        self._whole = config
        self._secret_text = secret_text
        self._load = load
        self._record = record
        self._mix = mix
        self._shelf = Shelf(Path(self._config.suites) if self._config.suites else None, self._config.only)
        self._findings = CanaryFindings(record, config.budget.false_alarms, time.time)
        self._tally = CanaryTally(self._config, self._shelf, record, mix, time.time, self._findings)
        mirrors = self._config.enabled and self._config.sampling == "mirror"
        self._mirroring = Mirroring(self._config.api, time.monotonic) if mirrors else None
        self._asker: Asker | None = None
        self._task: asyncio.Task[None] | None = None

    def canaries(self) -> Canaries:
        """What is exported."""
        return self._tally.canaries()

    def seen(self, capture: Capture) -> None:
        """An exchange of live traffic, for the mirror of its sampling parameters."""
        if self._mirroring is not None and self._asker is not None:
            try:
                self._mirroring.see(capture, self._asker.endpoint.model)
            except Exception:  # whatever a request holds must not stop the reading
                log.exception("a request's parameters were not looked at")

    def alarmed(self, verdict: Verdict) -> None:
        """A live stratum's state has changed: where it is out of control now, its ladder is asked for the cause."""
        live = self._tally.live
        if verdict.state == "out_of_control" and live is not None:
            since_s = verdict.at_s if verdict.changed_at_s is None else verdict.changed_at_s
            try:
                live.errands.alarmed(
                    Alarm(verdict.behaviour, verdict.stratum, verdict.model, verdict.at_s, min(since_s, verdict.at_s))
                )
            except Exception:  # a mistake here must not stop the judging
                log.exception("the cause of an alarm is not looked for")
                self._tally.skipped("failed")

    def start(self) -> None:
        """Begins to ask, where the configuration turns it on."""
        if self._config.enabled:
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Asks no more. What a request under way could cost stays charged."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            try:
                await self._ask()
            except (CannotAskError, StoreError, SameModelError, secret.SecretError) as error:
                log.error("canaries cannot be asked; trying again later", extra={"fields": {"why": str(error)}})  # noqa: TRY400  # its text says all
            except Exception:  # whatever goes wrong here must not stop the monitor
                log.exception("the canaries stopped; beginning anew")
                self._tally.skipped("failed")
            await asyncio.sleep(RETRY_S)

    async def _ask(self) -> None:
        """Until it is cancelled, or something needed cannot be had."""
        config = self._config
        rotation = secret.parsed(self._secret_text, "the rotation secret")
        key = text(config.key_file, "canary.key_file")
        with Results(self._whole.state_dir / FILE) as results:
            async with canary_client.session(self._whole) as session, aiohttp.ClientSession() as others:
                profile = canary_client.profile(config, self._mirroring.drawn if self._mirroring else lambda: None)
                self._asker = asker = Asker(session, await self._endpoint(session, key), profile)
                listing = CanaryListing(asker, session, key, named=bool(config.model))
                judge = canary_client.judge(config, asker, others)
                prober = self._prober(asker, others, results, judge)
                drift = JudgeDrift(judge, f"{config.judge.url} {config.judge.model}", results) if judge else None
                live = self._live(rotation, results, prober, asker, drift, listing.rename)
                announce(config, asker, [case for cases in live.patrol.prompts.values() for case in cases])
                self._tally.live = live
                loop = asyncio.get_running_loop()
                live.errands.declared("operator", "", config.digest, time.time())
                beside = [loop.create_task(listing.follow(live.errands, self._findings))]
                if live.judge_drift is not None:
                    beside.append(loop.create_task(live.judge_drift.follow()))
                try:
                    await live.patrol.run()
                finally:
                    self._tally.live = self._asker = None
                    for task in beside:
                        task.cancel()
                    await asyncio.gather(*beside, return_exceptions=True)

    async def _endpoint(self, session: aiohttp.ClientSession, key: str) -> Endpoint:
        try:
            return await endpoint(self._whole, session, key)
        except NoModelError:
            self._tally.skipped("no_model")
            raise

    def _prober(
        self, asker: Asker, others: aiohttp.ClientSession, results: Results, judge: ModelJudge | None
    ) -> Prober:
        config = self._config
        loads = [self._load, *([QueueLoad(others, config.queue_url)] if config.queue_url else [])]
        return Prober(
            asker,
            results,
            budget=config.tokens_a_day,
            now=time.time,
            load=AnyLoad(loads),
            judge=judge,
            breaker=config.breaker_errors,
            rest_s=config.breaker_rest_s,
            patience_s=config.patience_s,
            minute=Minute(config.tokens_a_minute),
        )

    def _live(
        self,
        rotation: bytes,
        results: Results,
        prober: Prober,
        asker: Asker,
        drift: JudgeDrift | None,
        erred: Callable[[], Awaitable[None]],
    ) -> Live:
        self._shelf.look()
        suites = self._shelf.suites
        window_s = self._config.window_days * DAY_S
        longest_s = max(window_s, *(duration.seconds(suite.suite.rotation.epoch) for suite in suites))
        every = results.rows(since_s=time.time() - longest_s)
        rows = [row for row in every if row.run == RUN]
        counted = [row for row in every if row.run in (RUN, FINGERPRINT_RUN) or row.run.startswith(CHANGE_RUN)]
        errands = Errands(
            suites,
            lambda: window,
            results,
            rotation,
            self._findings,
            time.time,
            lambda: (asker.endpoint.model, errands.variants.last.model if errands.variants.last else ""),
        )
        errands.recall()
        self._findings.recall(results)
        window = Window(
            window_s,
            recalled(counted, suites, rotation),
            lambda probe: errands.variants.current(Variant(probe.model, probe.fingerprint, probe.generation)),
        )
        errands.recall_changeover(lambda run: recalled([row for row in every if row.run == run], suites, rotation))
        self._tally.recall(counted)
        agenda = Agenda(
            rotation,
            results,
            vision=self._config.vision,
            opened=lambda suite, epoch, draw: self._commit(suite, rotation, epoch, draw),
        )
        agenda.recall(rows, suites)
        patrol = Patrol(
            self._shelf,
            agenda,
            prober,
            results,
            window,
            secret_id=secret_id(rotation),
            mean_s=self._config.interval_s,
            rng=random.Random(),
            now=time.time,
            mix=self._mix,
            told=self._tally.told,
            failed=lambda: self._tally.skipped("failed"),
            erred=erred,
            errands=errands,
        )
        patrol.look()
        return Live(patrol, prober, results, window, errands, drift)

    def _commit(self, suite: LoadedSuite, rotation: bytes, epoch: int, draw: int) -> None:
        """Says what will be asked, without a word of it, before it is asked."""
        data = {
            "suite": suite.suite.suite,
            "epoch": epoch,
            "draw": draw,
            "secret_id": secret_id(rotation),
            "prompts_sha256": printed.commitment(suite, rotation, epoch, draw),
        }
        self._record("epoch", data)
