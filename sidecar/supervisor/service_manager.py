"""What a service manager is told: ready, stopping, still alive (``sd_notify(3)``).

One datagram a message to the socket that NOTIFY_SOCKET names. Without one nothing is said. A message
that cannot be sent is logged and traffic goes on: the manager then acts as for a service that says nothing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Mapping
from typing import Protocol

log = logging.getLogger("kilter.supervisor")


POLL_S = 0.05


class Service(Protocol):
    """What there is to tell."""

    @property
    def healthy(self) -> bool:
        """As at /healthz."""

    def accepting(self) -> bool:
        """As at /readyz."""


class ServiceManager:
    """``environ`` as the process got it; ``pid`` is the process's own."""

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        limit_us = environ.get("WATCHDOG_USEC", "")
        ours = self._address and environ.get("WATCHDOG_PID", str(pid)) == str(pid) and limit_us.isdecimal()
        self.watchdog_s = int(limit_us) / 1e6 if ours else 0.0
        """It wants to hear ``alive`` at least this often, in seconds; 0: it does not wait for it."""

    async def keep_told(self, service: Service) -> None:
        """Ready when requests are accepted; then, where there is a watchdog, alive while healthy. Until cancelled."""
        while not service.accepting():  # noqa: ASYNC110  # workers say so in shared memory
            await asyncio.sleep(POLL_S)
        self._say("READY=1")
        while self.watchdog_s:
            if service.healthy:
                self._say("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 3)

    def stopping(self) -> None:
        """Streams are being finished, and no more are accepted."""
        self._say("STOPPING=1")

    def _say(self, message: str) -> None:
        if not self._address:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as ours:
                ours.sendto(message.encode(), name)
        except OSError as error:
            log.warning("the service manager cannot be told", extra={"fields": {"reason": error.strerror}})
