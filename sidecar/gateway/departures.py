"""Notices that a client leaves while it is not being read.

Back-pressure stops reading a client, and a connection that is not read tells nothing of its end:
a client that gives up its upload would keep a slow model server busy until the idle limit. Held
connections are therefore watched in two ways:

* The kernel tells a FIN or a reset that has arrived (epoll(7): EPOLLRDHUP, EPOLLHUP), on an epoll
  of its own which the event loop watches in turn.
* A FIN does not arrive while data before it waits for room. Of clients on this host the kernel
  knows all the same (see ``peer``); they are asked for every ``ASK_S``. Clients elsewhere that
  close so are noticed when the upstream takes more, or by the idle limit.
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Callable
from contextlib import suppress

from sidecar.gateway import peer

ASK_S = 0.05
_LEFT = select.EPOLLRDHUP | select.EPOLLONESHOT  # errors and hang-ups are told unasked


class Departures:
    """``close`` before the loop ends."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._watched: dict[socket.socket, Callable[[], None]] = {}
        self._asking: asyncio.TimerHandle | None = None
        loop.add_reader(self._epoll.fileno(), self._told)

    def watch(self, connection: socket.socket, left: Callable[[], None]) -> None:
        """Calls ``left`` when the peer has closed its side, or broken the connection, or is gone; perhaps again."""
        if connection not in self._watched:
            self._watched[connection] = left
            self._epoll.register(connection.fileno(), _LEFT)
            if self._asking is None:
                self._asking = self._loop.call_later(ASK_S, self._ask)

    def forget(self, connection: socket.socket) -> None:
        """No more of this one; to be called before its descriptor is closed."""
        if self._watched.pop(connection, None) is not None:
            with suppress(OSError):
                self._epoll.unregister(connection.fileno())

    def close(self) -> None:
        """Watches nothing any more."""
        if self._asking is not None:
            self._asking.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()

    def _told(self) -> None:
        descriptors = {descriptor for descriptor, _ in self._epoll.poll(0)}
        for connection, left in list(self._watched.items()):
            if connection.fileno() in descriptors:
                left()

    def _ask(self) -> None:
        for connection, left in list(self._watched.items()):
            if peer.orphaned(connection):
                left()
        self._asking = self._loop.call_later(ASK_S, self._ask) if self._watched else None
