"""What a running Kilter copied, read beside its monitor, and an upstream that plays recorded answers.

The copies are read from the workers' rings through a private mapping: nothing that is written
there reaches the processes, so the monitor goes on reading them too. Linux shows the rings of
a process that forbids core dumps to root alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import threading
import time
from pathlib import Path

import real
from aiohttp import web

from sidecar.gateway.capture import Capture
from sidecar.gateway.ring import RingReader
from sidecar.wire.base import decode

_TAIL, _EXPECTED = 1, 3  # the reader's cells (ring.py)


def captures(kilter):
    """Every copy that the workers of a ``RunningKilter`` have made, oldest first."""
    return [Capture.from_bytes(record) for pid in kilter.pids("sidecar.gateway") for record in _records(pid)]


def _records(pid):
    try:
        files = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        real.missing("only root sees the rings of another process")
    rings = []
    for file in files:
        with contextlib.suppress(FileNotFoundError):  # closed since
            if "kilter-ring" in str(file.readlink()):
                rings.append(file)
    records = []
    for file in rings:
        with file.open("rb") as ring, mmap.mmap(ring.fileno(), os.fstat(ring.fileno()).st_size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as memory:  # fmt: skip
            cells = memoryview(memory).cast("B")[:4096].cast("Q")
            cells[_TAIL] = cells[_EXPECTED] = 0  # from the beginning, in our pages only
            cells.release()
            reader = RingReader(memory)
            while more := reader.read():
                records += more
            reader.close()
    return records


def exchange_behind(kilter, before, limit_s=5.0):
    """The Exchange of the one copy that was made since there were ``before``."""
    until = time.monotonic() + limit_s
    while len(made := captures(kilter)) <= before:
        assert time.monotonic() < until, "nothing was copied"
        time.sleep(0.01)
    return decode(made[-1])


class Player:
    """``with Player() as upstream``: answers every request with what ``play`` was told last."""

    def __enter__(self):
        started = threading.Event()

        async def serve():
            self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
            app = web.Application()
            app.router.add_route("*", "/{path:.*}", self._answer)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            started.set()
            await self._stop.wait()
            await runner.cleanup()

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    def play(self, case):
        """From now on the answer of a case of the corpus, one event a write."""
        self._case = case

    async def _answer(self, request):
        await request.read()
        case = self._case
        response = web.StreamResponse(status=case.capture.status, headers=dict(case.capture.response_headers))
        await response.prepare(request)
        for block in case.blocks:
            await response.write(block)
        await response.write_eof()
        return response
