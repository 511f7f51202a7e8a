"""What the model server lists: the name that canaries ask, and where the model under it comes from."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from dataclasses import replace

import aiohttp

from sidecar.canary.asking import Asker, Endpoint, first_model, models, ollama_digest
from sidecar.canary.errands import Errands
from sidecar.canary.targets.base import targets
from sidecar.config import Config
from sidecar.monitor.canary_client import CannotAskError
from sidecar.monitor.canary_findings import CanaryFindings

log = logging.getLogger("kilter.monitor")

LISTING_S = 600.0


class NoModelError(CannotAskError):
    """Nothing says what to ask."""


async def endpoint(config: Config, session: aiohttp.ClientSession, key: str) -> Endpoint:
    """Where to ask, by the configured name or the first one that is listed. NoModelError where there is none."""
    canary, target = config.canary, targets()[config.canary.api]
    address = "http://localhost" if config.upstream.startswith("unix:") else config.upstream
    model = canary.model or await first_model(session, target, address, key)
    if not model:
        raise NoModelError("the upstream does not say which models it serves (canary.model names one)")
    return Endpoint(target, address, model, key, canary.vision, canary.timeout_s, canary.headers)


class CanaryListing:
    """Read over ``session`` with ``key``. ``named``: the configuration says which model is asked."""

    def __init__(self, asker: Asker, session: aiohttp.ClientSession, key: str, *, named: bool) -> None:
        self._asker = asker
        self._session = session
        self._key = key
        self._named = named

    async def rename(self) -> None:
        """Takes the name that the server lists now, where none is configured: another model may have come."""
        if not self._named:
            asked = self._asker.endpoint
            listed = await first_model(self._session, asked.target, asked.base_url, self._key)
            if listed not in ("", asked.model):
                self._asker.endpoint = replace(asked, model=listed)
                log.warning("the server lists another model; canaries ask that")

    async def follow(self, errands: Errands, findings: CanaryFindings) -> None:
        """Where the model under test comes from, as far as the server lists it; what it lists otherwise than before is a change."""
        since_s = time.time()
        while True:
            asked, asked_s = self._asker.endpoint, time.time()
            listed = await models(self._session, asked.target, asked.base_url, self._key)
            if found := [one for one in listed or () if one.name in (asked.model, f"{asked.model}:latest")]:
                findings.parent = found[0].parent if found[0].parent != asked.model else ""
                identity = found[0].identity
                if asked.target.name == "ollama":
                    identity = await ollama_digest(self._session, asked.base_url, self._key, asked.model)
                try:
                    errands.declared("listing", asked.model, identity, since_s)
                except sqlite3.Error as error:
                    log.warning("a declared change cannot be kept", extra={"fields": {"why": str(error)}})
                since_s = asked_s
            await asyncio.sleep(LISTING_S)
