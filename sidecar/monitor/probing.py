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
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import aiohttp

from sidecar.canary import duration, printed, secret
from sidecar.canary.agenda import Agenda
from sidecar.canary.asking import Asker, Endpoint, Profile, first_model, most_tokens
from sidecar.canary.draws import secret_id
from sidecar.canary.judge import ModelJudge, SameModelError
from sidecar.canary.load import AnyLoad, Load, QueueLoad
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.patrol import RUN, Patrol
from sidecar.canary.prober import Prober
from sidecar.canary.recall import recalled
from sidecar.canary.results import Results, StoreError
from sidecar.canary.schedule import DAY_S, Minute
from sidecar.canary.shelf import Shelf
from sidecar.canary.targets.base import targets
from sidecar.canary.window import Window
from sidecar.config import Config
from sidecar.export.canaries import Canaries
from sidecar.monitor.canary_tally import CanaryTally, Live, Record

log = logging.getLogger("kilter.monitor")

FILE = "canary.db"
RETRY_S = 60.0
_WORST_BY_EXPECTED = 3
"""A question's worst case counts a token a byte; what is then used is about a third."""


class CannotAskError(Exception):
    """Something that is needed cannot be had. ``str()`` is one line for a person."""


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
        self._tally = CanaryTally(self._config, self._shelf, record, mix, time.time)
        self._task: asyncio.Task[None] | None = None

    def canaries(self) -> Canaries:
        """What is exported."""
        return self._tally.canaries()

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
        key = _text(config.key_file, "canary.key_file")
        with Results(self._whole.state_dir / FILE) as results:
            async with self._session() as session, aiohttp.ClientSession() as others:
                asker = Asker(session, await self._endpoint(session, key), self._profile())
                prober = self._prober(asker, others, results)
                live = self._live(rotation, results, prober, lambda: self._rename(asker, session, key))
                self._announce(asker, live.patrol)
                self._tally.live = live
                try:
                    await live.patrol.run()
                finally:
                    self._tally.live = None

    def _session(self) -> aiohttp.ClientSession:
        # A connection a canary: one kept for minutes is often dead by then, which would look like a cut answer.
        settings = self._whole.upstream_settings()
        if settings.scheme == "unix":
            connector: aiohttp.BaseConnector = aiohttp.UnixConnector(settings.host, force_close=True)
        else:
            context = ssl.create_default_context()
            try:
                if settings.ca_file:
                    context.load_verify_locations(settings.ca_file)
                if settings.client_cert_file:
                    context.load_cert_chain(settings.client_cert_file, settings.client_key_file or None)
            except (OSError, ssl.SSLError):
                raise CannotAskError("upstream_tls: its files cannot be read") from None
            connector = aiohttp.TCPConnector(ssl=context, force_close=True)
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    async def _endpoint(self, session: aiohttp.ClientSession, key: str) -> Endpoint:
        config, target = self._config, targets()[self._config.api]
        address = "http://localhost" if self._whole.upstream.startswith("unix:") else self._whole.upstream
        model = config.model or await first_model(session, target, address, key)
        if not model:
            self._tally.skipped("no_model")
            raise CannotAskError("the upstream does not say which models it serves (canary.model names one)")
        return Endpoint(target, address, model, key, config.vision, config.timeout_s, config.headers)

    async def _rename(self, asker: Asker, session: aiohttp.ClientSession, key: str) -> None:
        """Takes the name that the server lists now, where none is configured: another model may have come."""
        if not self._config.model:
            endpoint = asker.endpoint
            listed = await first_model(session, endpoint.target, endpoint.base_url, key)
            if listed not in ("", endpoint.model):
                asker.endpoint = replace(endpoint, model=listed)
                log.warning("the server lists another model; canaries ask that")

    def _profile(self) -> Profile:
        config = self._config
        sampling = {"temperature": config.temperature}
        if config.top_p < 1:
            sampling["top_p"] = config.top_p
        return Profile(sampling, _text(config.system_file, "canary.system_file") if config.system_file else "")

    def _prober(self, asker: Asker, others: aiohttp.ClientSession, results: Results) -> Prober:
        config = self._config
        loads = [self._load, *([QueueLoad(others, config.queue_url)] if config.queue_url else [])]
        judge = None
        if config.judge.url:
            key = _text(config.judge.key_file, "canary.judge.key_file") if config.judge.key_file else ""
            judging = Endpoint(targets()["openai.chat"], config.judge.url, config.judge.model, key)
            judge = ModelJudge(Asker(others, judging), asker)
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

    def _live(self, rotation: bytes, results: Results, prober: Prober, erred: Callable[[], Awaitable[None]]) -> Live:
        self._shelf.look()
        suites = self._shelf.suites
        window_s = self._config.window_days * DAY_S
        longest_s = max(window_s, *(duration.seconds(suite.suite.rotation.epoch) for suite in suites))
        rows = [row for row in results.rows(since_s=time.time() - longest_s) if row.run == RUN]
        window = Window(window_s, recalled(rows, suites, rotation))
        self._tally.recall(rows)
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
        )
        patrol.look()
        return Live(patrol, prober, results, window)

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

    def _announce(self, asker: Asker, patrol: Patrol) -> None:
        """What it will cost, before anything is sent."""
        cases = [case for cases in patrol.prompts.values() for case in cases if not case.needs_vision]
        worst = [
            most_tokens(asker.endpoint.target, asker.question(case.system, case.script, case.tools, case.max_tokens))
            for case in cases
        ]
        a_day = DAY_S / self._config.interval_s
        expected = round(a_day * sum(worst) / max(len(cases), 1) / _WORST_BY_EXPECTED)
        fields = {
            "prompts": len(cases),
            "canaries_a_day": round(a_day, 1),
            "tokens_a_day_expected": expected,
            "tokens_a_day": self._config.tokens_a_day,
        }
        log.info("canaries are asked", extra={"fields": fields})
        if expected > self._config.tokens_a_day:
            log.warning("more canaries are due than the day's budget is likely to hold", extra={"fields": fields})
        if never := sum(tokens > self._config.tokens_a_minute for tokens in worst):
            log.warning(
                "prompts that do not fit into a minute's budget are not asked", extra={"fields": {"prompts": never}}
            )


def _text(file: str, key: str) -> str:
    """What a file holds. The error names the key and the file, nothing of its content."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise CannotAskError(f"{key}: {file}: cannot be read") from None
