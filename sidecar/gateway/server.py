"""The relay on its listeners, and its orderly end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Sequence
from typing import cast

from sidecar.gateway.client import ClientConnection
from sidecar.gateway.counters import Counters
from sidecar.gateway.observer import Observer
from sidecar.gateway.relay import Relay
from sidecar.settings import GatewaySettings, RelaySettings

_BACKLOG = 4096
"""Given again because asyncio calls listen(2) a second time; the kernel cuts it to somaxconn."""


class Gateway:
    """A serving relay. Made by ``serve``."""

    def __init__(self, relay: Relay, servers: Sequence[asyncio.AbstractServer]) -> None:
        self._relay = relay
        self._servers = servers

    @property
    def draining(self) -> bool:
        """Whether the end has begun."""
        return self._relay.draining

    async def drain(self, grace_s: float, last_call_s: float = 0.0) -> None:
        """Accepts no more, closes idle connections, lets answers finish for ``grace_s`` seconds, then aborts them.

        A request may be on its way while we close an idle connection, and is lost then. Where somebody else
        accepts already there is no hurry: with ``last_call_s`` a connection may ask once more for so many
        seconds, is told in the answer that it ends, and is closed only then.

        Returns when no client connection is left. Meant to be called once.
        """
        relay = self._relay
        relay.draining = True
        relay.last_call_s = last_call_s
        for server in self._servers:
            server.close()
        for connection in self._connections():
            connection.drain()
        try:
            async with asyncio.timeout(grace_s):
                await relay.empty.wait()
        except TimeoutError:
            for connection in self._connections():
                connection.abort()
            await relay.empty.wait()
        await relay.close()

    def _connections(self) -> list[ClientConnection]:
        return [cast("ClientConnection", connection) for connection in self._relay.connections]


async def serve(
    settings: GatewaySettings, listeners: Sequence[socket.socket], counters: Counters, observer: Observer | None
) -> Gateway:
    """Serves on ``listeners``: bound, listening, TCP or unix, taken over by the gateway.

    Raises OSError or ssl.SSLError when a certificate or CA file cannot be used.
    """
    loop = asyncio.get_running_loop()
    relay = Relay(settings, counters, observer)
    tls = _tls_context(settings.relay)
    servers: list[asyncio.AbstractServer] = []
    for listener in listeners:
        create = loop.create_unix_server if listener.family == socket.AF_UNIX else loop.create_server
        server = await create(
            lambda: ClientConnection(relay),
            sock=listener,
            ssl=tls,
            ssl_handshake_timeout=settings.relay.header_timeout_s or None if tls else None,
            backlog=_BACKLOG,
        )
        servers.append(server)
    return Gateway(relay, servers)


def _tls_context(settings: RelaySettings) -> ssl.SSLContext | None:
    if not settings.tls_cert_file:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(settings.tls_cert_file, settings.tls_key_file or None)
    context.set_alpn_protocols(["http/1.1"])
    return context
