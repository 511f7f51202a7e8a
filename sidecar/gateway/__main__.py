"""A worker process: ``python -m sidecar.gateway DOCUMENT_FD``, started by the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import uvloop

from sidecar import control, handover, logs
from sidecar.gateway.counters import Counters, schema
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.ring import RingWriter
from sidecar.gateway.server import serve
from sidecar.hardening import forbid_core_dumps
from sidecar.settings import GatewaySettings

log = logging.getLogger("kilter.gateway")

BEAT_S = 0.25
WAKE_S = 0.05
LAST_CALL_S = 5.0
"""A retiring worker waits this long for the next request of a connection that is kept open."""


def main() -> None:
    """Reads the document and serves until told to drain or the supervisor is gone."""
    forbid_core_dumps()
    document = handover.read_document(int(sys.argv[1]))
    settings = GatewaySettings.from_json(document["settings"])
    logs.set_up(document["name"], settings.log_level)
    uvloop.run(work(settings, document))


async def work(settings: GatewaySettings, document: Mapping[str, Any]) -> None:
    """One worker, from listening to the end of its last stream."""
    loop = asyncio.get_running_loop()
    fds: dict[str, int] = document["fds"]
    slot: int = document["slot"]
    board = control.Board(handover.mapped(fds["board"]).cast("d"))
    counters = Counters(
        schema(sorted({route.protocol for route in settings.routes})), handover.mapped(fds["counters"]).cast("d")
    )
    counters.reset_gauges()
    waker = Waker(fds["wake"], loop)
    recorder = Recorder(
        settings.capture,
        settings.routes,
        bytes.fromhex(document["install_key"]),
        RingWriter(handover.mapped(fds["ring"]), wake=waker.soon),
        counters,
        wall_clock=time.time,
        random_bytes=os.urandom,
        paused=lambda: not board.observe,
    )
    stop, retiring = asyncio.Event(), False

    def retire() -> None:
        nonlocal retiring
        retiring = True
        stop.set()

    loop.add_signal_handler(signal.SIGUSR2, retire)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(fds["lifeline"], _supervisor_gone, loop, fds["lifeline"], stop)
    gateway = await serve(settings, [handover.inherited_socket(fds["listener"])], counters, recorder)
    state = control.ACCEPTING

    copied_until = counters.cell("kilter_copied_until_timestamp_seconds")

    def beat() -> None:
        board.set_worker(slot, state, time.monotonic())
        counters.set(copied_until, recorder.finished_until())
        recorder.probability(loop.time())  # shown as a metric, which would go stale while nobody asks
        loop.call_later(BEAT_S, beat)

    beat()
    gc.collect()
    gc.freeze()  # what is there now stays: no collection need look at it again
    await stop.wait()
    state = control.DRAINING
    board.set_worker(slot, state, time.monotonic())
    await gateway.drain(settings.grace_s, LAST_CALL_S if retiring else 0.0)
    counters.set(copied_until, 0.0)  # no word of a worker that is gone
    waker.now()


class Waker:
    """Wakes the monitor, at most once in ``WAKE_S``: to wake a process costs more than to write a record."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop) -> None:
        self._fd = fd
        self._loop = loop
        self._pending = False

    def soon(self) -> None:
        """Something can be read."""
        if not self._pending:
            self._pending = True
            self._loop.call_later(WAKE_S, self.now)

    def now(self) -> None:
        """An eventfd never blocks for long: a full one already wakes."""
        self._pending = False
        with contextlib.suppress(OSError):
            os.eventfd_write(self._fd, 1)


def _supervisor_gone(loop: asyncio.AbstractEventLoop, lifeline: int, stop: asyncio.Event) -> None:
    loop.remove_reader(lifeline)
    log.error("the supervisor is gone; finishing open streams")
    stop.set()


if __name__ == "__main__":
    main()
