"""After 101: bytes both ways, untouched, until both sides have closed.

Each side's end of sending is passed on, each side's back-pressure holds the other. There is
no idle limit: a quiet WebSocket is a healthy one, and dead peers are found by TCP keep-alive.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable


class Tunnel:
    """Takes both transports over. ``first`` is what the client sent before the switch was known.

    ``ended`` is called once, when both connections are lost.
    """

    def __init__(
        self, client: asyncio.Transport, upstream: asyncio.Transport, first: bytes, ended: Callable[[], None]
    ) -> None:
        self._open = 2
        self._sending = 2
        self._ended = ended
        client.set_protocol(_Side(self, upstream))
        upstream.set_protocol(_Side(self, client))
        for transport in (client, upstream):
            connection = transport.get_extra_info("socket")
            if connection is not None and connection.family != socket.AF_UNIX:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if first:
            upstream.write(first)

    def side_done(self) -> bool:
        """A side sends no more. True while the other still does."""
        self._sending -= 1
        return self._sending > 0

    def side_lost(self) -> None:
        """A side's connection is gone."""
        self._open -= 1
        if self._open == 0:
            self._ended()


class _Side(asyncio.Protocol):
    """What one side's transport tells; ``other`` is the other side's."""

    def __init__(self, tunnel: Tunnel, other: asyncio.Transport) -> None:
        self._tunnel = tunnel
        self._other = other

    def data_received(self, data: bytes) -> None:
        self._other.write(data)

    def eof_received(self) -> bool:
        """True keeps this side open for what the other still sends."""
        if self._other.is_closing():
            return False
        if self._tunnel.side_done() and self._other.can_write_eof():
            self._other.write_eof()
            return True
        self._other.close()  # both ends are through, or TLS, which has no half-close
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._other.is_closing():
            if exc is None:
                self._other.close()
            else:
                self._other.abort()
        self._tunnel.side_lost()

    def pause_writing(self) -> None:
        self._other.pause_reading()

    def resume_writing(self) -> None:
        if not self._other.is_closing():
            self._other.resume_reading()
