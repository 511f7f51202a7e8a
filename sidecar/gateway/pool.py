"""Connections to the one upstream: dialled when needed, kept for a few seconds, never shared.

A kept connection is a guess that the upstream still wants it. It is checked when it is taken:
not closed, not too old, and, if it has been quiet for a while, nothing to read on it (a FIN
that has come, but has not been read, is the usual way in which a reused connection fails).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Protocol

from sidecar.gateway.upstream import UpstreamConnection, log_tls_failure
from sidecar.settings import UpstreamSettings

log = logging.getLogger("kilter.gateway")

QUIET_S = 0.02
"""Below this the check costs a system call that finds nothing."""


class Waiter(Protocol):
    """Who asked for a connection; told exactly once."""

    def connected(self, upstream: UpstreamConnection) -> None:
        """Here it is, and it is yours."""

    def not_connected(self, reason: str) -> None:
        """``reason`` is one of ``counters.UPSTREAM_ERRORS``."""


class Pool:
    """``connect_timeout_s`` may be infinite. ``now`` is the loop's clock, in seconds."""

    def __init__(
        self,
        upstream: UpstreamSettings,
        *,
        now: Callable[[], float],
        connect_timeout_s: float,
        keepalive_s: float,
        max_head_bytes: int,
    ) -> None:
        self._upstream = upstream
        self._now = now
        self._connect_timeout_s = connect_timeout_s
        self._keepalive_s = keepalive_s
        self._max_head_bytes = max_head_bytes
        self._tls = tls_context(upstream) if upstream.scheme == "https" else None
        self._idle: list[UpstreamConnection] = []  # the longest idle first
        self._open: set[UpstreamConnection] = set()  # idle or not, tunnels apart
        self._none_open = asyncio.Event()
        self._none_open.set()
        self._dials: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._idle)

    def take(self) -> UpstreamConnection | None:
        """The connection that was used last, if it still looks alive."""
        now = self._now()
        while self._idle:
            connection = self._idle.pop()
            idle_s = now - connection.idle_since_s
            if connection.closed or connection.transport.is_closing():
                continue
            if idle_s <= self._keepalive_s and (idle_s < QUIET_S or not connection.has_news()):
                connection.reused = True
                return connection
            connection.close()
        return None

    def give(self, connection: UpstreamConnection) -> None:
        """Back from an exchange that ended cleanly."""
        if self._closed or connection.closed:
            connection.abort()
            return
        connection.resume_reading()
        connection.idle_since_s = self._now()
        self._idle.append(connection)

    def dial(self, waiter: Waiter) -> None:
        """A new connection for ``waiter``, told later."""
        dial = asyncio.get_running_loop().create_task(self._dial(waiter))
        self._dials.add(dial)
        dial.add_done_callback(self._dials.discard)

    async def _dial(self, waiter: Waiter) -> None:
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                connection = await self._connect()
        except TimeoutError:
            log.warning("the upstream did not accept a connection in time")
            waiter.not_connected("timeout_connect")
        except ssl.SSLError as error:
            log_tls_failure(error)
            waiter.not_connected("tls")
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that is none
            why = getattr(error, "strerror", None) or type(error).__name__
            log.warning("the upstream cannot be connected to", extra={"fields": {"reason": why}})
            waiter.not_connected("connect")
        else:
            if connection.closed:
                waiter.not_connected("reset")
                return
            self._open.add(connection)
            self._none_open.clear()
            waiter.connected(connection)

    async def _connect(self) -> UpstreamConnection:
        loop = asyncio.get_running_loop()
        upstream = self._upstream
        if upstream.scheme == "unix":
            _, connection = await loop.create_unix_connection(self._protocol, upstream.host)
        else:
            _, connection = await loop.create_connection(
                self._protocol,
                upstream.host,
                upstream.port,
                ssl=self._tls,
                server_hostname=upstream.host if self._tls else None,
            )
        return connection

    def _protocol(self) -> UpstreamConnection:
        return UpstreamConnection(self._now, self._max_head_bytes, self.forget)

    def forget(self, connection: UpstreamConnection) -> None:
        """The connection is lost, or has become a tunnel's."""
        self._open.discard(connection)
        if not self._open:
            self._none_open.set()
        if connection in self._idle:
            self._idle.remove(connection)

    def expire(self) -> None:
        """Closes what has been idle for too long. Called about once a second."""
        oldest = self._now() - self._keepalive_s
        while self._idle and self._idle[0].idle_since_s < oldest:
            self._idle.pop(0).close()

    async def close(self) -> None:
        """Ends all connections and waits until they are gone: a loop that closes before is an error to uvloop."""
        self._closed = True
        for dial in self._dials:
            dial.cancel()
        await asyncio.gather(*self._dials, return_exceptions=True)
        for connection in list(self._open):
            connection.abort()
        await self._none_open.wait()


def tls_context(upstream: UpstreamSettings) -> ssl.SSLContext:
    """Verifies the upstream, always; shows a client certificate if there is one."""
    context = ssl.create_default_context(cafile=upstream.ca_file or None)
    context.set_alpn_protocols(["http/1.1"])
    if upstream.client_cert_file:
        context.load_cert_chain(upstream.client_cert_file, upstream.client_key_file or None)
    return context
