"""The parent of all: shared memory, children, signals.

It keeps nothing that its children could not go on without: when it dies, workers finish
their streams (they see the lifeline close) and a service manager starts the whole again.
As process 1 of a container it reaps whatever is orphaned.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from sidecar import control, handover
from sidecar.gateway import counters as data_plane
from sidecar.settings import SupervisorSettings
from sidecar.supervisor import exposition, listeners
from sidecar.supervisor.admin import Admin
from sidecar.supervisor.child import Child
from sidecar.supervisor.hosts import Hosts
from sidecar.supervisor.service_manager import ServiceManager
from sidecar.supervisor.slots import Slot
from sidecar.supervisor.workers import AFTER_GRACE_S, HEARTBEAT_LIMIT_S, Worker, Workers, gone

log = logging.getLogger("kilter.supervisor")

MONITOR_GRACE_S = 5.0


class Supervisor:
    """``settings`` as checked; ``install_key`` keys every hash; ``admin_token`` allows writes. Binds at
    construction: BindError when an address is taken. ``reload()`` gives the monitor's configuration anew, or None
    when it does not hold.
    """

    def __init__(
        self,
        settings: SupervisorSettings,
        install_key: bytes,
        admin_token: str,
        reload: Callable[[], str | None] = lambda: None,
    ) -> None:
        self.settings = settings
        self._monitor_config = settings.monitor_config
        self._read_config = reload
        passed = listeners.passed_on(os.environ, os.getpid())
        self._traffic = passed.get("traffic") or listeners.bind(settings.listen)
        try:
            self._admin_listener = passed.get("admin") or listeners.bind(settings.admin)
        except listeners.BindError:
            self._traffic.close()
            raise
        self._not_ours = set(passed.values())  # their paths are the service manager's to remove
        self._key = install_key
        self._token = admin_token
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._lifeline, self._lifeline_end = os.pipe()
        slots = settings.workers + 1
        self._board_fd = handover.memory("kilter-board", control.Board.size_bytes(slots))
        self.board = control.Board(handover.mapped(self._board_fd).cast("d"))
        self.observe = settings.observe
        metrics = data_plane.schema(sorted({route.protocol for route in settings.gateway.routes}))
        self._slots = [Slot.make(i, metrics, settings.gateway.capture.ring_bytes) for i in range(slots)]
        self._socket_dir = tempfile.TemporaryDirectory(prefix="kilter-")
        self.monitor_socket = str(Path(self._socket_dir.name) / "monitor.sock")
        self._monitor_listener = listeners.bind(f"unix:{self.monitor_socket}")
        self.workers = Workers(self._slots, self.board, self._worker)
        self.monitor = Child("monitor", "sidecar.monitor", self._monitor_document, self._monitor_descriptors())
        self._replacing: asyncio.Task[bool] | None = None
        self._registry = exposition.registry(
            exposition.DataPlane(metrics, [slot.counters for slot in self._slots]),
            exposition.Processes(self._pids, lambda: {c.name: c.restarts for c in self._kept()}, self._facts),
        )
        self._monitor_answers = False

    # -- what the admin listener asks -----------------------------------------------------

    @property
    def observe(self) -> bool:
        """Whether new exchanges are looked at; writable at any time."""
        return self.board.observe

    @observe.setter
    def observe(self, value: bool) -> None:
        self.board.observe = value

    @property
    def healthy(self) -> bool:
        """A worker is alive."""
        return any(worker.alive for worker in self.workers.every)

    @property
    def draining(self) -> bool:
        """Shutting down."""
        return self._stopping.is_set()

    @property
    def monitor_up(self) -> bool:
        """The monitor runs and said so lately."""
        return self.monitor.alive and time.monotonic() - self.board.monitor_beat_s < HEARTBEAT_LIMIT_S

    def accepting(self) -> bool:
        """A live worker said lately that it takes requests."""
        return self.workers.accepting(time.monotonic())

    async def upstream_reachable(self) -> bool:
        """True where readiness does not ask for it."""
        return not self.settings.require_upstream or await self._upstream_connects()

    def exposition(self, *, monitor_up: bool) -> bytes:
        """The supervisor's own metrics."""
        self._monitor_answers = monitor_up
        return exposition.text(self._registry)

    # -- running ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Until SIGTERM or SIGINT, then drains: readiness fails, streams finish, the monitor reads what is left."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._reap)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        loop.add_signal_handler(signal.SIGUSR2, self._replace_workers)
        hosts = Hosts([self.settings.admin, socket.gethostname(), *self.settings.admin_hosts])
        admin = Admin(self, self.monitor_socket, self._token, hosts)
        runner = web.AppRunner(admin.application(), access_log=None, handle_signals=False)
        await runner.setup()
        await web.SockSite(runner, self._admin_listener, shutdown_timeout=1.0).start()
        for child in self._kept():
            child.start(time.monotonic())
        log.info(
            "kilter is up",
            extra={
                "fields": {
                    "listen": listeners.shown(self._traffic),
                    "admin": listeners.shown(self._admin_listener),
                    "upstream": self.settings.upstream_shown,
                    "workers": self.settings.workers,
                    "observe": self.observe,
                }
            },
        )
        manager = ServiceManager(os.environ, os.getpid())
        waiting = [loop.create_task(self._wait_for_upstream()), loop.create_task(manager.keep_told(self))]
        try:
            await self._stopping.wait()
            manager.stopping()
            await self._drain()
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            await runner.cleanup()
            self._release()
        log.info("kilter has stopped")

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._hurry.set()  # a second signal: do not wait for streams
        self._stopping.set()

    def _reload(self) -> None:
        """SIGHUP: the monitor starts anew with the configuration as it is now. Traffic goes on."""
        config = self._read_config()
        if config is not None:
            self._monitor_config = config
            self.monitor.signal(signal.SIGTERM)

    def _replace_workers(self) -> None:
        """SIGUSR2: new workers, with the certificates as they are now. No request is lost."""
        if self._stopping.is_set() or (self._replacing is not None and not self._replacing.done()):
            log.warning("workers are being replaced or stopped already")
            return
        log.info("replacing the workers one after the other")
        replacing = self.workers.replace_each(self.settings.gateway.grace_s)
        self._replacing = asyncio.get_running_loop().create_task(replacing)

    async def _drain(self) -> None:
        log.info("draining", extra={"fields": {"grace_s": self.settings.gateway.grace_s}})
        if self._replacing is not None:
            self._replacing.cancel()
            await asyncio.gather(self._replacing, return_exceptions=True)
        # Behind a socket that stays, whoever is told to go finds the next Kilter: idle clients may ask once more.
        stop = signal.SIGUSR2 if self._traffic in self._not_ours else signal.SIGTERM
        for worker in self.workers.every:
            worker.signal(stop)
        await gone(self.workers.every, self.settings.gateway.grace_s + AFTER_GRACE_S, self._hurry.is_set)
        self.monitor.signal(signal.SIGTERM)
        await gone([self.monitor], MONITOR_GRACE_S, self._hurry.is_set)

    def _reap(self) -> None:
        running = {child.pid: child for child in self._children() if child.pid is not None}
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                if pid in running:
                    running.pop(pid).ended(os.waitstatus_to_exitcode(status))
        if self._stopping.is_set():
            return
        loop = asyncio.get_running_loop()
        for child in self._children():
            if child.take_death():
                if isinstance(child, Worker):
                    self.workers.ended(child)
                if child not in self.workers.passing:
                    loop.call_later(child.died(time.monotonic()), self._restart, child)

    def _restart(self, child: Child) -> None:
        if not self._stopping.is_set() and child in self._kept():
            child.start(time.monotonic())

    # -- parts -----------------------------------------------------------------------------

    def _kept(self) -> list[Child]:
        return [*self.workers.kept, self.monitor]

    def _children(self) -> list[Child]:
        return [*self.workers.every, self.monitor]

    def _pids(self) -> dict[str, int | None]:
        return {"supervisor": os.getpid(), **{child.name: child.pid for child in self._kept()}}

    def _facts(self) -> dict[str, float]:
        return {
            "kilter_monitor_up": float(self._monitor_answers),
            "kilter_observe": float(self.observe),
            "kilter_ring_bytes": float(sum(slot.ring.used_bytes for slot in self._slots)),
            "kilter_draining": float(self.draining),
        }

    def _worker(self, name: str, slot: Slot) -> Worker:
        ours = {"listener": self._traffic.fileno(), "board": self._board_fd, "lifeline": self._lifeline}
        document: dict[str, object] = {
            "name": name,
            "slot": slot.index,
            "fds": {"counters": slot.counters_fd, "ring": slot.ring_fd, "wake": slot.wake_fd, **ours},
            "settings": self.settings.gateway.to_json(),
            "install_key": self._key.hex(),
        }
        return Worker(name, slot, lambda: document, ours.values())

    def _monitor_descriptors(self) -> list[int]:
        slots = [fd for slot in self._slots for fd in slot.descriptors]
        return [*slots, self._board_fd, self._lifeline, self._monitor_listener.fileno()]

    def _monitor_document(self) -> dict[str, object]:
        return {
            "rings": [slot.ring_fd for slot in self._slots],
            "counters": [slot.counters_fd for slot in self._slots],
            "wakes": [slot.wake_fd for slot in self._slots],
            "board": self._board_fd,
            "lifeline": self._lifeline,
            "listener": self._monitor_listener.fileno(),
            "config": self._monitor_config,
            "install_key": self._key.hex(),
        }

    async def _upstream_connects(self) -> bool:
        upstream = self.settings.gateway.upstream
        try:
            async with asyncio.timeout(1.0):
                if upstream.scheme == "unix":
                    _, writer = await asyncio.open_unix_connection(upstream.host)
                else:
                    _, writer = await asyncio.open_connection(upstream.host, upstream.port)
        except (OSError, TimeoutError):
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    async def _wait_for_upstream(self) -> None:
        waited = False
        while not await self._upstream_connects():
            if not waited:
                log.warning(
                    "the upstream does not accept connections yet; waiting for it",
                    extra={"fields": {"upstream": self.settings.upstream_shown}},
                )
            waited = True
            await asyncio.sleep(1.0)
        if waited:
            log.info("the upstream accepts connections")

    def _release(self) -> None:
        for listener in (self._traffic, self._admin_listener, self._monitor_listener):
            if listener.family == socket.AF_UNIX and listener not in self._not_ours:
                with contextlib.suppress(OSError):
                    Path(listener.getsockname()).unlink()
            listener.close()
        slots = [fd for slot in self._slots for fd in slot.descriptors]
        for fd in (*slots, self._board_fd, self._lifeline, self._lifeline_end):
            os.close(fd)
        self._socket_dir.cleanup()
