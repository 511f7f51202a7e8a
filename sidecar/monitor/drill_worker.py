"""A worker of a fire drill's own: real requests on sockets, the relay that serves traffic, its recorder, a ring.

Rules of this file
* Nothing is made up between a client's bytes and a record: client, relay and model server talk HTTP over loopback, and what
  lands in the ring is what the recorder made of it. Only the recorder's clock is the drill's, so that a day takes seconds.
* Live traffic is not touched. What comes to Kilter's own listener belongs to the model server, to the last byte, so a drill has
  a listener, counters and a ring apart, for as long as it lasts; the loop is its own too, in the thread that asks.
* An answer that reaches the client changed, or an exchange that leaves no record, ends the drill: WorkerError.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import socket
import time
from collections.abc import Callable, Sequence
from typing import Self

import uvloop

from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.ring import Ring, RingReader, RingWriter
from sidecar.gateway.server import Gateway, serve
from sidecar.monitor.reading import Reading
from sidecar.settings import CaptureSettings, GatewaySettings, RelaySettings, Route, UpstreamSettings

PATH, PROTOCOL = "/v1/chat/completions", "openai.chat"
RING_BYTES = 4 << 20
AT_ONCE = 32
"""So many requests before the ring is read: well below the half from which a recorder would let fewer in."""
LIMIT_S = 10.0
_TURNS, _TURN_S = 1000, 0.001


class WorkerError(Exception):
    """The way from a client to the ring is not whole. ``str()`` says where, and quotes nothing of an exchange."""


def only_limits(capture: CaptureSettings) -> CaptureSettings:
    """``capture`` with every exchange let in and users known by the body: sizes as they are, rules of admission as shipped."""
    return CaptureSettings(
        ring_bytes=RING_BYTES,
        inflight_bytes=capture.inflight_bytes,
        request_bytes=capture.request_bytes,
        response_head_bytes=capture.response_head_bytes,
        response_tail_bytes=capture.response_tail_bytes,
    )


class DrillWorker:
    """Serves from ``with`` on. ``answer`` is the model server: a request's body to an answer's, both JSON. ``key``: 32 bytes.
    ``process`` is given each record, as by a monitor; what it returns is nobody's. Not for a thread with a running loop.
    """

    def __init__(
        self,
        capture: CaptureSettings,
        key: bytes,
        answer: Callable[[bytes], bytes],
        process: Callable[[bytes], object],
    ) -> None:
        self.settings = only_limits(capture)
        self._answer = answer
        self._key = key
        self._memory = mmap.mmap(-1, Ring.size_for(RING_BYTES))
        self._ring = RingWriter(self._memory)
        self._reader = RingReader(self._memory)

        def processed(record: bytes) -> None:
            process(record)

        self._reading = Reading([self._reader], processed, time.monotonic)
        self._now_s = 0.0
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._model: asyncio.Server | None = None
        self._gateway: Gateway | None = None
        self._client: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._asked = 0

    def __enter__(self) -> Self:
        try:
            self._runner.run(self._begin())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._runner.run(self._end())
        finally:
            self._runner.close()
            self._ring.close()
            self._reader.close()
            self._memory.close()

    def ask(self, requests: Sequence[tuple[bytes, float]]) -> None:
        """Asks each body at its Unix time, in order, and returns once all records have been processed. WorkerError."""
        for first in range(0, len(requests), AT_ONCE):
            some = requests[first : first + AT_ONCE]
            try:
                self._runner.run(asyncio.wait_for(self._ask(some), LIMIT_S))
            except (OSError, EOFError, TimeoutError) as error:
                raise WorkerError(f"an exchange did not come back through the relay: {type(error).__name__}") from None
            while self._reading.slice():
                pass
            self._asked += len(some)
            damaged, lost = self._reading.losses()
            if (self._ring.written, damaged, lost) != (self._asked, 0, 0):
                raise WorkerError(
                    f"{self._asked} exchanges left {self._ring.written} records, {damaged} damaged, {lost} lost"
                )

    async def _begin(self) -> None:
        self._model = await asyncio.start_server(self._serve_model, "127.0.0.1", 0)
        upstream = UpstreamSettings("http", *self._model.sockets[0].getsockname())
        routes = (Route(PATH, PROTOCOL),)
        settings = GatewaySettings(upstream, RelaySettings(), self.settings, routes)
        metrics = schema([PROTOCOL])
        counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
        recorder = Recorder(
            settings.capture,
            routes,
            self._key,
            self._ring,
            counters,
            wall_clock=lambda: self._now_s,
            random_bytes=os.urandom,
            paused=lambda: False,
        )
        listener = socket.create_server(("127.0.0.1", 0))
        address = listener.getsockname()
        self._gateway = await serve(settings, [listener], counters, recorder)
        self._client = await asyncio.open_connection(*address)

    async def _end(self) -> None:
        if self._client is not None:
            self._client[1].close()
            with contextlib.suppress(OSError):
                await self._client[1].wait_closed()
        if self._gateway is not None:
            await self._gateway.drain(0.0)
        if self._model is not None:
            self._model.close()
            await self._model.wait_closed()

    async def _ask(self, requests: Sequence[tuple[bytes, float]]) -> None:
        assert self._client is not None  # noqa: S101 - within ``with`` there is one
        reader, writer = self._client
        for body, at_s in requests:
            self._now_s = at_s
            writer.write(
                b"POST %b HTTP/1.1\r\nHost: drill\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (PATH.encode(), len(body), body)
            )
            head, answer = await _message(reader)
            if not head.startswith(b"HTTP/1.1 200 ") or answer != self._answer(body):
                raise WorkerError("an answer did not come through the relay as it was sent")
        for _ in range(_TURNS):  # a copy may end some turns of the loop after its exchange
            if self._ring.written + self._ring.dropped >= self._asked + len(requests):
                break
            await asyncio.sleep(_TURN_S)

    async def _serve_model(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                _, body = await _message(reader)
                answer = self._answer(body)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(answer), answer)
                )
        writer.close()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of an HTTP message that says its length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    return head, await reader.readexactly(int(length.partition(b":")[2]))
