"""Is the server busy with users? Canaries wait while it is.

Where nothing can be learnt the answer is yes: users come first.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import aiohttp

_LIMIT_S = 2.0
_MOST_BYTES = 4 << 20
_INFLIGHT = ("kilter_inflight_requests",)
_QUEUES = ("vllm:num_requests_waiting", "sglang:num_queue_reqs", "tgi_queue_size", "llamacpp:requests_deferred")


class Load(Protocol):
    """What the prober asks before each request."""

    async def busy(self) -> bool:
        """Whether a canary would now stand in a user's way."""


class NoLoad:
    """For a server that has no users, as in CI."""

    async def busy(self) -> bool:
        """Never."""
        return False


class AnyLoad:
    """Busy where any of ``loads`` is."""

    def __init__(self, loads: Iterable[Load]) -> None:
        self._loads = tuple(loads)

    async def busy(self) -> bool:
        """Asks them in order."""
        for load in self._loads:
            if await load.busy():
                return True
        return False


class KilterLoad:
    """Asks a running Kilter how many requests are in flight: more than ``limit`` is busy."""

    def __init__(self, session: aiohttp.ClientSession, admin: str, limit: int) -> None:
        self._session = session
        self._url = f"http://{admin}/metrics"
        self._limit = limit

    async def busy(self) -> bool:
        """One scrape."""
        inflight = await _scraped(self._session, self._url, _INFLIGHT)
        return inflight is None or inflight > self._limit


class QueueLoad:
    """Asks the model server itself, at its ``/metrics``: any request that waits there is busy."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def busy(self) -> bool:
        """One scrape."""
        queued = await _scraped(self._session, self._url, _QUEUES)
        return queued is None or queued > 0


async def _scraped(session: aiohttp.ClientSession, url: str, names: tuple[str, ...]) -> float | None:
    """The sum of the samples so named; None where there is none, or no answer."""
    heads = tuple(f"{name}{sign}" for name in names for sign in (" ", "{"))
    try:
        async with session.get(url, timeout=aiohttp.ClientTimeout(total=_LIMIT_S)) as answer:
            text = b""
            while len(text) < _MOST_BYTES and (more := await answer.content.read(_MOST_BYTES)):
                text += more
        # A label value may hold spaces, the sample's value none; a timestamp may follow it.
        values = [
            float(line.rpartition("}")[2].split()[0] if "}" in line else line.split()[1])
            for line in text.decode(errors="replace").splitlines()
            if line.startswith(heads)
        ]
    except (aiohttp.ClientError, TimeoutError, ValueError, IndexError):
        return None
    return sum(values) if values else None
