"""What all connections of a worker share: limits, pool, counters, observer and the sweep.

The sweep is the only timer. It looks at every connection's deadline a few times a second at
most, so that an exchange or a chunk costs an assignment, never a timer of its own. A limit is
met up to one sweep late.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from sidecar.gateway.counters import Counters
from sidecar.gateway.departures import Departures
from sidecar.gateway.heads import RequestHead
from sidecar.gateway.meter import Meter
from sidecar.gateway.observer import Observer
from sidecar.gateway.pool import Pool
from sidecar.settings import GatewaySettings, RelaySettings, UpstreamSettings

_SLOWEST_SWEEP_S = 1.0
_FASTEST_SWEEP_S = 0.02
_SWEEPS_PER_LIMIT = 8


class Swept(Protocol):
    """A client connection, as the sweep sees it."""

    def check(self, now_s: float) -> None:
        """Acts if a deadline has passed."""


@dataclass(frozen=True, slots=True)
class Limits:
    """``RelaySettings`` with "no limit" as infinity."""

    connect_s: float
    first_byte_s: float
    idle_s: float
    header_s: float
    keepalive_s: float
    header_bytes: int
    connections: float
    inflight: float
    retry_stale_post: bool

    @classmethod
    def of(cls, settings: RelaySettings) -> Limits:
        """From the settings, where 0 is "no limit"."""
        never = float("inf")
        return cls(
            connect_s=settings.connect_timeout_s or never,
            first_byte_s=settings.first_byte_timeout_s or never,
            idle_s=settings.idle_timeout_s or never,
            header_s=settings.header_timeout_s or never,
            keepalive_s=settings.keepalive_timeout_s or never,
            header_bytes=settings.max_header_bytes,
            connections=settings.max_connections or never,
            inflight=settings.max_inflight or never,
            retry_stale_post=settings.retry_stale_post,
        )

    def sweep_s(self) -> float:
        """How often to look."""
        shortest = min(self.first_byte_s, self.idle_s, self.header_s, self.keepalive_s)
        return max(_FASTEST_SWEEP_S, min(_SLOWEST_SWEEP_S, shortest / _SWEEPS_PER_LIMIT))


class Relay:
    """One worker's relay. ``connections`` holds every client connection that is not lost yet."""

    def __init__(self, settings: GatewaySettings, counters: Counters, observer: Observer | None) -> None:
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.limits = Limits.of(settings.relay)
        self.counters = counters
        self.observer = observer
        self.meter = Meter(counters, settings.routes)
        self.pool = Pool(
            settings.upstream,
            now=loop.time,
            connect_timeout_s=self.limits.connect_s,
            keepalive_s=settings.relay.upstream_keepalive_s,
            max_head_bytes=settings.relay.max_header_bytes,
        )
        self.departures = Departures(loop)
        self.connections: dict[Swept, None] = {}  # in order of arrival
        self.draining = False
        self.last_call_s = 0.0  # draining, but each connection may ask once more for so long
        self.empty = asyncio.Event()
        self.empty.set()
        self._base_path = settings.upstream.base_path.rstrip("/").encode()
        self._host = upstream_host(settings.upstream)
        self._rewrite_host = settings.upstream.rewrite_host
        self._as_is = not (self._base_path or self._rewrite_host)
        self._loop = loop
        self._sweep_s = self.limits.sweep_s()
        self._sweeping = loop.call_later(self._sweep_s, self._sweep)

    def request_lines(self, head: RequestHead) -> bytes:
        """A request's head as the upstream gets it. The target's bytes stay as they came."""
        if self._as_is and head.as_is:
            return head.raw
        target = head.target
        if self._base_path and target.startswith(b"/"):
            target = self._base_path + target
        if self._rewrite_host:
            head.rewrite_host(self._host)
        ours = b"" if head.hosts else b"Host: %b\r\n" % self._host
        if head.upgrade:
            ours += b"Connection: Upgrade\r\nUpgrade: %b\r\n" % head.upgrade
        return b"%b %b HTTP/1.1\r\n%b%b\r\n" % (head.method, target, head.copy, ours)

    def opened(self, connection: Swept) -> None:
        """A client connected."""
        self.connections[connection] = None
        self.empty.clear()
        self.meter.connections(1)

    def lost(self, connection: Swept) -> None:
        """A client's connection is gone."""
        if self.connections.pop(connection, self) is self:
            return
        self.meter.connections(-1)
        if not self.connections:
            self.empty.set()

    def _sweep(self) -> None:
        now = self.now()
        for connection in list(self.connections):
            connection.check(now)
        self.pool.expire()
        self._sweeping = self._loop.call_later(self._sweep_s, self._sweep)

    async def close(self) -> None:
        """The end: no more sweeps, no more upstream connections."""
        self._sweeping.cancel()
        self.departures.close()
        await self.pool.close()


def upstream_host(upstream: UpstreamSettings) -> bytes:
    """The Host that names the upstream, for requests that bring none or when it is rewritten."""
    if upstream.scheme == "unix":
        return b"localhost"
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    default_port = 443 if upstream.scheme == "https" else 80
    return (host if upstream.port in (0, default_port) else f"{host}:{upstream.port}").encode()
