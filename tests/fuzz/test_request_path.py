"""A million damaged requests, through the whole request path: none is smuggled, none crashes it, none hangs it.

Each input goes to a client connection in random pieces. What the relay writes to the model server is read
by the strict and by the most careless reader of ``readers``; both must find the same requests, each of them
one that the strict reader finds in the input, in that order. Observation is on, and reads everything.

    pytest -m slow tests/fuzz -k million -s        # seed 20261125; about ten minutes on one core
"""

import asyncio
import os
import random
import socket
import time

import pytest
from mutation import mutated, pieces
from readers import lenient, requests, strict
from relaying import ROUTES

from sidecar.gateway.admission import body_says
from sidecar.gateway.client import ClientConnection
from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.relay import Relay
from sidecar.gateway.ring import Ring, RingReader, RingWriter
from sidecar.gateway.upstream import UpstreamConnection
from sidecar.settings import CaptureSettings, GatewaySettings, RelaySettings, UpstreamSettings

SEED = 20261125
LONGEST_S = 1.0
"""For one input of some hundred bytes: a thousand times what it takes, so only a hang is that slow."""

CHAT = b"POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nContent-Type: application/json\r\n"
BODY = b'{"model":"m","user":"u","messages":[{"role":"user","content":"hello"}]}'
WHOLE = CHAT + b"Content-Length: %d\r\n\r\n%b" % (len(BODY), BODY)
CHUNKED = CHAT + b"Transfer-Encoding: chunked\r\n\r\n5\r\n" + BODY[:5] + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (66, BODY[5:])
CORPUS = (
    b"GET /v1/models HTTP/1.1\r\nHost: m\r\n\r\n",
    b"GET / HTTP/1.0\r\nHost: m\r\nConnection: keep-alive\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
    b"HEAD /x?y=%2F HTTP/1.1\r\nHOST: m\r\nAccept: */*\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    b"POST / HTTP/1.1\r\nHost: m\r\nConnection: close, x-mine\r\nX-Mine: 1\r\nContent-Length: 0\r\n\r\n",
    b"GET /ws HTTP/1.1\r\nHost: m\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 5\r\nX-Long: " + b"v" * 300 + b"\r\n\r\nGET /",
    WHOLE,
    WHOLE * 2,
    WHOLE + CHAT + b"Content-Length: 2\r\n\r\n{}" + WHOLE,
    CHUNKED,
    CHUNKED + WHOLE,
)  # fmt: skip


class Transport:
    """The end of a connection that keeps what is written to it."""

    def __init__(self, connection):
        self.written = bytearray()
        self.closed = False
        self._socket = connection

    def write(self, data):
        self.written += data

    def get_extra_info(self, name, default=None):
        return self._socket if name == "socket" else default

    def close(self):
        self.closed = True

    abort = write_eof = close

    def can_write_eof(self):
        return True

    def is_closing(self):
        return self.closed

    def pause_reading(self):
        pass

    resume_reading = pause_reading


class Path:
    """The request path of one worker. The model server answers each request that the strict reader finds whole."""

    def __init__(self):
        metrics = schema(sorted(route.protocol for route in ROUTES))
        counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
        memory = bytearray(Ring.size_for(1 << 20))
        capture = CaptureSettings(trust_client_conversation_ids=True)
        self.records = RingReader(memory)
        settings = GatewaySettings(UpstreamSettings("http", "127.0.0.1", 1), RelaySettings(), capture, ROUTES)
        recorder = Recorder(
            capture, ROUTES, b"k" * 32, RingWriter(memory), counters, time.time, os.urandom, paused=lambda: False
        )
        self.failed = counters.cell("kilter_captures_total", "failed")
        self.counters = counters
        self.relay = Relay(settings, counters, recorder)
        self.relay.pool.take = self._connect
        self.ends = socket.socketpair()
        self.upstreams = []

    def _connect(self):
        connection = UpstreamConnection(self.relay.now, 65536, lambda _: None)
        connection.connection_made(Transport(self.ends[0]))
        self.upstreams.append(connection)
        return connection

    def feed(self, parts):
        """What the model server got, all connections together, and what the client got."""
        self.upstreams = []
        client = ClientConnection(self.relay)
        transport = Transport(self.ends[1])
        client.connection_made(transport)
        for part in parts:
            if part and not transport.closed:
                client.data_received(part)
                self._answer()
        sent = [bytes(upstream.transport.written) for upstream in self.upstreams]
        client.connection_lost(None)
        self.records.read()
        return sent, bytes(transport.written)

    def _answer(self):
        answered = -1
        while answered != len(self.upstreams):
            answered = len(self.upstreams)
            for upstream in self.upstreams:
                whole, _ = requests(strict, bytes(upstream.transport.written))
                done = getattr(upstream.transport, "answered", 0)
                if len(whole) > done and not upstream.closed:
                    upstream.transport.answered = len(whole)
                    upstream.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                    answered = -1

    async def close(self):
        await self.relay.close()
        for end in self.ends:
            end.close()


def check(path, data, parts):
    """One input. AssertionError, with the input in it, when something went wrong."""
    wanted, _ = requests(strict, data)
    started = time.process_time()
    sent, answers = path.feed(parts)
    assert time.process_time() - started < LONGEST_S, data
    got = []
    for stream in sent:
        ours, our_end = requests(strict, stream)
        theirs, their_end = requests(lenient, stream)
        assert our_end != "unreadable", (data, stream)
        assert [(r.method, r.target, r.body) for r in ours] == [(r.method, r.target, r.body) for r in theirs], data
        assert our_end == their_end, (data, stream)
        got += [(r.method, r.target, r.body) for r in ours]
    assert got == [(r.method, r.target, r.body) for r in wanted][: len(got)], data
    assert answers.count(b"HTTP/1.1 200 OK") == len(got), data
    return len(got)


async def fuzz(count, seed):
    """How many requests passed, and how many inputs had one. What failed is printed whole."""
    rng = random.Random(seed)
    path = Path()
    passed = whole = 0
    try:
        for number in range(count):
            data = mutated(rng, CORPUS)
            parts = pieces(rng, data)
            try:
                found = check(path, data, parts)
            except BaseException:
                print(f"input {number} of seed {seed}: {parts!r}")
                raise
            passed += found
            whole += found > 0
            body_says(data)
            if number % 4096 == 0:
                await asyncio.sleep(0)
        assert path.counters.value(path.failed) == 0  # not one exchange was lost to an error of the observer
        assert path.relay.meter.inflight == 0
    finally:
        await path.close()
    return passed, whole


async def test_20_000_damaged_requests_smuggle_nothing_crash_nothing_and_hang_nothing():
    passed, whole = await fuzz(20_000, SEED)
    assert whole > 5_000  # the damage is not so great that everything is refused at the door
    assert passed > whole


@pytest.mark.slow
@pytest.mark.timeout(7200)
async def test_a_million_damaged_requests_smuggle_nothing_crash_nothing_and_hang_nothing():
    started = time.monotonic()
    passed, whole = await fuzz(1_000_000, SEED + 1)
    print(f"\n1,000,000 inputs, {whole} with a request in them, {passed} requests, {time.monotonic() - started:.0f} s")


@pytest.mark.parametrize(
    "data",
    [
        b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\n",
        b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\nHost: m\nContent-Length: 5\n\nhello",
    ],
)
async def test_what_two_servers_read_differently_reaches_neither(data):
    path = Path()
    try:
        sent, answers = path.feed([data])
    finally:
        await path.close()
    assert b"".join(sent) == b""
    assert answers.startswith(b"HTTP/1.1 400 ") or answers == b""
