"""The relay under test, and both its ends on raw sockets.

The gateway runs on a thread of its own under uvloop, as in production; the scripted upstream
and the clients run on the test's loop. Every byte on the wire is the test's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from typing import ClassVar

import uvloop

from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.gateway.server import serve
from sidecar.settings import CaptureSettings, GatewaySettings, RelaySettings, Route, UpstreamSettings

ROUTES = (Route("/v1/chat/completions", "openai.chat"), Route("/v1/completions", "openai.completions"))
RESET = struct.pack("ii", 1, 0)


class RunningGateway:
    """A gateway in front of ``upstream`` (a port, or UpstreamSettings); ``relay`` are RelaySettings."""

    def __init__(self, upstream, *, observer=None, listener=None, **relay):
        if isinstance(upstream, int):
            upstream = UpstreamSettings("http", "127.0.0.1", upstream)
        settings = GatewaySettings(upstream, RelaySettings(**relay), CaptureSettings(), ROUTES)
        metrics = schema(sorted(route.protocol for route in ROUTES))
        self.counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
        listener = listener or socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = listener.getsockname()
        self.port = self.address[1] if isinstance(self.address, tuple) else None
        self.errors = []
        started = threading.Event()

        async def run():
            self.loop = asyncio.get_running_loop()
            self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
            self._stop = asyncio.Event()
            self.gateway = await serve(settings, [listener], self.counters, observer)
            started.set()
            await self._stop.wait()
            if not self.gateway.draining:
                await self.gateway.drain(0)

        self._thread = threading.Thread(target=uvloop.run, args=(run(),), daemon=True)
        self._thread.start()
        assert started.wait(10)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the gateway does not end"
        if kind is None:
            assert not self.errors, self.errors

    async def drain(self, grace_s):
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.gateway.drain(grace_s), self.loop))

    def value(self, name, *labels):
        return self.counters.value(self.counters.cell(name, *labels))

    async def becomes(self, value, name, *labels, limit_s=3.0):
        """Waits until a counter has the value: the gateway counts just after it writes."""
        until = time.monotonic() + limit_s
        while self.value(name, *labels) != value and time.monotonic() < until:
            await asyncio.sleep(0.005)
        assert self.value(name, *labels) == value


class Wire:
    """One end of a connection. Those of ``connect`` are closed when the upstream of the test ends."""

    connected: ClassVar[list] = []

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer
        self.socket = writer.get_extra_info("socket")
        self.over = asyncio.Event()

    @classmethod
    async def connect(cls, address, **options):
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        if isinstance(address, str):
            wire = cls(*await asyncio.open_unix_connection(address, **options))
        else:
            wire = cls(*await asyncio.open_connection(*address, limit=1 << 20, **options))
        cls.connected.append(wire)
        return wire

    async def head(self, limit_s=5.0):
        """Bytes up to the empty line, with it; what came instead, if the connection ended."""
        try:
            return await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), limit_s)
        except asyncio.IncompleteReadError as error:
            return error.partial

    async def body(self, head):
        """The body that belongs to ``head``, as on the wire."""
        fields = dict(lowered(head))
        if b"transfer-encoding" in fields:
            return await self.chunked()
        return await self.exactly(int(fields.get(b"content-length", 0)))

    async def chunked(self):
        whole = b""
        while True:
            line = await asyncio.wait_for(self.reader.readline(), 5)
            whole += line
            size = int(line.split(b";")[0], 16)
            if size == 0:
                while line not in (b"\r\n", b""):
                    line = await self.reader.readline()
                    whole += line
                return whole
            whole += await self.exactly(size + 2)

    async def exactly(self, count, limit_s=10.0):
        return await asyncio.wait_for(self.reader.readexactly(count), limit_s)

    async def some(self, limit_s=5.0):
        return await asyncio.wait_for(self.reader.read(1 << 16), limit_s)

    async def rest(self, limit_s=10.0):
        """Everything up to the end, and how it ended: ``eof`` or ``reset``."""
        whole = b""
        try:
            async with asyncio.timeout(limit_s):
                while data := await self.reader.read(1 << 16):
                    whole += data
        except ConnectionError:
            return whole, "reset"
        return whole, "eof"

    async def gone(self, limit_s=3.0):
        """Waits until the script of this connection is over; returns how many seconds it took."""
        started = time.monotonic()
        await asyncio.wait_for(self.over.wait(), limit_s)
        return time.monotonic() - started

    async def write(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def write_until_held(self, piece, *, limit_s=0.5, at_most=1 << 62):
        """Writes ``piece`` again and again; returns how many bytes were taken before the other side held us."""
        sent = 0
        try:
            async with asyncio.timeout(limit_s):
                while sent < at_most:
                    sent += len(piece)
                    await self.write(piece)
        except TimeoutError:
            return sent
        raise AssertionError("never held")

    def close(self):
        self.writer.transport.close()

    def reset(self):
        """Ends the connection the rude way."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()


class Scripted:
    """An upstream that runs ``script(wire)`` for every connection, and closes it after. ``wires`` keeps them all."""

    def __init__(self, script, **options):
        self._script = script
        self._options = options
        self.wires = []
        self.failures = []
        self._tasks = set()

    async def __aenter__(self):
        if "path" in self._options:
            self._server = await asyncio.start_unix_server(self._serve, limit=1 << 20, **self._options)
        else:
            port = self._options.pop("port", 0)
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=1 << 20, **self._options)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind, *_):
        self._server.close()
        for task in self._tasks:
            task.cancel()
        wires = self.wires + Wire.connected
        Wire.connected = []
        for wire in wires:
            with contextlib.suppress(AttributeError):  # asyncio's abort() fails on what is closed already
                wire.writer.transport.abort()
        await asyncio.gather(*self._tasks, *(wire.writer.wait_closed() for wire in wires), return_exceptions=True)
        if kind is None and self.failures:
            raise self.failures[0]

    def _serve(self, reader, writer):
        wire = Wire(reader, writer)
        self.wires.append(wire)
        task = asyncio.ensure_future(self._run(wire))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, wire):
        try:
            await self._script(wire)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        except Exception as error:  # noqa: BLE001 - shown by __aexit__
            self.failures.append(error)
        finally:
            wire.over.set()
            wire.close()

    async def wire(self, index=0, limit_s=3.0):
        """The connection number ``index``, once it is there."""
        async with asyncio.timeout(limit_s):
            while len(self.wires) <= index:
                await asyncio.sleep(0.002)
        return self.wires[index]


def lowered(head):
    """Header pairs of a head, names in lower case."""
    return [
        (name.lower(), value.strip()) for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:-2])
    ]


HOP_BY_HOP = (b"connection", b"keep-alive", b"transfer-encoding", b"te", b"trailer", b"upgrade", b"proxy-connection")


def end_to_end(head):
    """First line and header lines as on the wire, less those of one connection."""
    first, *lines = head.split(b"\r\n")[:-2]
    return [first] + [line for line in lines if line.partition(b":")[0].lower() not in HOP_BY_HOP]


def is_own_error(head, status, reason):
    """Whether ``head`` is that of the gateway's own answer, for ``reason``."""
    return head.startswith(b"HTTP/1.1 %d " % status) and (b"x-kilter-error", reason.encode()) in lowered(head)


async def hanging(wire):
    """A script that reads a request and never answers."""
    await wire.head()
    await wire.rest(30)


def answering(answer, *, close=False):
    """A script that reads requests whole and gives each the same answer."""

    async def script(wire):
        while head := await wire.head(limit_s=30):
            await wire.body(head)
            await wire.write(answer)
            if close:
                wire.close()
                return

    return script


def get(target="/", *lines, version="1.1"):
    return "\r\n".join((f"GET {target} HTTP/{version}", "Host: model", *lines, "", "")).encode()


def post(body=b"{}", *lines, target="/v1/chat/completions"):
    head = (f"POST {target} HTTP/1.1", "Host: model", "Content-Type: application/json", f"Content-Length: {len(body)}")
    return "\r\n".join((*head, *lines, "", "")).encode() + body


def ok(body=b"ok", *lines):
    return "\r\n".join(("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *lines, "", "")).encode() + body
