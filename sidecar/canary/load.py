"""Is the server busy with users? Canaries wait while it is."""

from __future__ import annotations

from typing import Protocol

import aiohttp

_LIMIT_S = 2.0
_INFLIGHT = "kilter_inflight_requests"


class Load(Protocol):
    """What the prober asks before each request."""

    async def busy(self) -> bool:
        """Whether a canary would now stand in a user's way."""


class NoLoad:
    """For a server that has no users, as in CI."""

    async def busy(self) -> bool:
        """Never."""
        return False


class KilterLoad:
    """Asks a running Kilter how many requests are in flight: more than ``limit`` is busy.

    Where it does not answer nothing is known, and the canary waits: users come first.
    """

    def __init__(self, session: aiohttp.ClientSession, admin: str, limit: int) -> None:
        self._session = session
        self._url = f"http://{admin}/metrics"
        self._limit = limit

    async def busy(self) -> bool:
        """One scrape."""
        try:
            async with self._session.get(self._url, timeout=aiohttp.ClientTimeout(total=_LIMIT_S)) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return True
        lines = [
            line.rpartition(" ")[2]
            for line in text.splitlines()
            if line.startswith((f"{_INFLIGHT} ", f"{_INFLIGHT}{{"))
        ]
        return not lines or sum(map(float, lines)) > self._limit
