"""A worker process: ``python -m sidecar.gateway DOCUMENT_FD``, started by the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
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


def main() -> None:
    """Reads the document and serves until told to drain or the supervisor is gone."""
    forbid_core_dumps()
    document = handover.read_document(int(sys.argv[1]))
    settings = GatewaySettings.from_json(document["settings"])
    logs.set_up(f"worker-{document['index']}", settings.log_level)
    uvloop.run(work(settings, document))


async def work(settings: GatewaySettings, document: Mapping[str, Any]) -> None:
    """One worker, from listening to the end of its last stream."""
    loop = asyncio.get_running_loop()
    fds: dict[str, int] = document["fds"]
    index: int = document["index"]
    board = control.Board(handover.mapped(fds["board"]).cast("d"))
    counters = Counters(
        schema(sorted({route.protocol for route in settings.routes})), handover.mapped(fds["counters"]).cast("d")
    )
    counters.reset_gauges()
    recorder = Recorder(
        settings.capture,
        settings.routes,
        bytes.fromhex(document["install_key"]),
        RingWriter(handover.mapped(fds["ring"]), wake=waker(fds["wake"])),
        counters,
        wall_clock=time.time,
        random_bytes=os.urandom,
        paused=lambda: not board.observe,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_reader(fds["lifeline"], _supervisor_gone, loop, fds["lifeline"], stop)
    gateway = await serve(settings, [handover.inherited_socket(fds["listener"])], counters, recorder)
    state = control.ACCEPTING

    def beat() -> None:
        board.set_worker(index, state, time.monotonic())
        loop.call_later(BEAT_S, beat)

    beat()
    await stop.wait()
    state = control.DRAINING
    board.set_worker(index, state, time.monotonic())
    await gateway.drain(settings.grace_s)


def waker(fd: int) -> Callable[[], None]:
    """Wakes the monitor. An eventfd never blocks for long: a full one already wakes."""

    def wake() -> None:
        with contextlib.suppress(OSError):
            os.eventfd_write(fd, 1)

    return wake


def _supervisor_gone(loop: asyncio.AbstractEventLoop, lifeline: int, stop: asyncio.Event) -> None:
    loop.remove_reader(lifeline)
    log.error("the supervisor is gone; finishing open streams")
    stop.set()


if __name__ == "__main__":
    main()
