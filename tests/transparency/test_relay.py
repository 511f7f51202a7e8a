"""The promise on real sockets: what client and model server see of each other is the same with and without us.

A fault is a script for the upstream and one for the client. Each runs twice: on a direct
connection and through the gateway. What each side saw must be equal, less what HTTP says
belongs to one connection.
"""

import asyncio
import gzip
from dataclasses import dataclass

import pytest
from relaying import HOP_BY_HOP, RunningGateway, Scripted, Wire, end_to_end, get, lowered, ok, post

SSE = b"".join(b"%x\r\ndata: %d\n\n\r\n" % (len(b"data: %d\n\n" % i), i) for i in range(50)) + b"0\r\n\r\n"
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
ZIPPED = gzip.compress(b"never unpacked on the way" * 100, mtime=0)
BIG = bytes(range(256)) * (10 * 4096)  # 10 MiB


@dataclass
class Fault:
    """``request`` goes out whole; the upstream reads it and writes ``answer`` in ``pieces``, then maybe closes."""

    request: bytes
    answer: bytes
    pieces: int = 1
    then: str = "stay"  # or "close", "reset"
    pause_s: float = 0.002


FAULTS = {
    "content length": Fault(post(b'{"a":1}'), ok(b'{"b":2}', "Content-Type: application/json")),
    "no body": Fault(get("/v1/models"), ok(b"")),
    "chunked, an event at a time": Fault(post(), SSE_HEAD + SSE, pieces=60),
    "chunked, all at once": Fault(post(), SSE_HEAD + SSE),
    "chunked with extensions and trailers": Fault(
        post(), SSE_HEAD + b'5;name="v;alue"\r\nhello\r\n00\r\nX-Check: 1\r\nX-Check: 2\r\n\r\n', pieces=9
    ),
    "closed by the upstream's end": Fault(post(), b"HTTP/1.1 200 OK\r\n\r\nup to the end", pieces=3, then="close"),
    "HTTP/1.0 upstream": Fault(post(), b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nold", then="close"),
    "gzip": Fault(post(), ok(ZIPPED, "Content-Encoding: gzip"), pieces=4),
    "HEAD": Fault(b"HEAD / HTTP/1.1\r\nHost: m\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"),
    "204": Fault(post(), b"HTTP/1.1 204 No Content\r\nX-Id: 1\r\n\r\n"),
    "304 with a length": Fault(get(), b'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\nContent-Length: 99\r\n\r\n'),
    "error of the model server": Fault(
        post(), b"HTTP/1.1 429 Slow Down Please\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\n{}"
    ),
    "unknown status without a reason": Fault(post(), b"HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"),
    "early hints": Fault(
        get(), b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", pieces=5
    ),
    "repeated headers, in order and case": Fault(
        get("/", "X-Dup: 1", "x-dup: 2", "X-DUP:3", "Accept: a", "X-Dup:   spaced", "Cookie: a=1", "Cookie: b=2"),
        ok(b"", "Set-Cookie: a", "set-cookie: b", "SET-COOKIE:c", "X-Empty:", "Date: today"),
    ),
    "header bytes that are not UTF-8": Fault(
        b"GET / HTTP/1.1\r\nHost: m\r\nX-Name: caf\xe9 \xff\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Name: \xe9\r\nContent-Length: 0\r\n\r\n",
    ),
    "percent-encoded target": Fault(get("/v1/a%2Fb/../c%7E//d;p?k=%2F&k=+%20&empty&q=a?b"), ok()),
    "absolute-form target": Fault(get("http://elsewhere.example:81/x?y"), ok()),
    "asterisk-form target": Fault(b"OPTIONS * HTTP/1.1\r\nHost: m\r\n\r\n", ok()),
    "foreign Host": Fault(b"GET / HTTP/1.1\r\nhOsT: Bucket.Example.COM:8443\r\n\r\n", ok()),
    "trace context": Fault(
        get("/", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "tracestate: b=1,a=2"), ok()
    ),
    "chunked request": Fault(
        b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\n\r\n",
        ok(),
    ),
    "PUT, PATCH and others": Fault(b"PATCH /x HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\n\r\nabc", ok()),
    "60 KB of headers": Fault(get("/", "Authorization: Bearer " + "j" * 60000), ok(b"", "X-Big: " + "k" * 60000)),
    "cut in the body": Fault(post(), b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", then="close"),
    "cut in a chunk": Fault(post(), SSE_HEAD + SSE[:200], pieces=4, then="close"),
    "cut between two chunks": Fault(post(), SSE_HEAD + SSE[:-5], pieces=4, then="close"),
    "reset in the body": Fault(
        post(), b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", then="reset", pause_s=0.05
    ),
    "10 MiB up and down": Fault(post(BIG), ok(BIG), pieces=40, pause_s=0.0),
}


async def exchange(port, fault, upstream):
    """Runs a fault and returns what each side saw: (request line and headers, body), (heads, body, end)."""
    before = len(upstream.wires)
    client = await Wire.connect(port)
    writing = asyncio.ensure_future(client.write(fault.request))
    heads = [await client.head()]
    while heads[-1].startswith(b"HTTP/1.1 1"):
        heads.append(await client.head())
    fields = dict(lowered(heads[-1]))
    to_head = fault.request.startswith(b"HEAD")
    end = ""
    try:
        if to_head or heads[-1][9:12] in (b"204", b"304"):
            body = b""
        elif fault.then != "stay":
            body, end = await client.rest()
        elif b"transfer-encoding" in fields or b"content-length" in fields:
            body = await client.body(heads[-1])
        else:
            body, end = await client.rest()
    finally:
        await writing
        client.close()
    seen = upstream.seen[before]
    answer = [end_to_end(head) for head in heads], body, end
    return (end_to_end(seen[0]), seen[1]), answer


class Faulty(Scripted):
    """Plays a fault on each connection, and remembers the request it saw there."""

    def __init__(self, fault):
        super().__init__(self._play)
        self._fault = fault
        self.seen = []

    async def _play(self, wire):
        fault = self._fault
        head = await wire.head(limit_s=10)
        self.seen.append((head, await wire.body(head)))
        step = -(-len(fault.answer) // fault.pieces)
        for at in range(0, len(fault.answer), step):
            await wire.write(fault.answer[at : at + step])
            await asyncio.sleep(fault.pause_s)
        if fault.then == "reset":
            wire.reset()
        elif fault.then == "close":
            wire.close()
        else:
            await wire.head(limit_s=30)


class Watching:
    """An observer that looks at everything."""

    def begin(self, *what):
        self.last = what
        return self

    request_body = request_sent = response_head = response_body = end = begin


@pytest.mark.parametrize("observer", [None, Watching()], ids=["unobserved", "observed"])
@pytest.mark.parametrize("name", FAULTS)
async def test_both_sides_see_the_same_with_and_without_the_gateway(name, observer):
    fault = FAULTS[name]
    async with Faulty(fault) as upstream:
        direct = await exchange(upstream.port, fault, upstream)
        with RunningGateway(upstream.port, observer=observer) as gateway:
            through = await exchange(gateway.port, fault, upstream)
    if fault.then == "reset":  # a cut is a cut: the kernel may have told the direct client as a reset or not
        direct, through = [(seen, (*answer[:2], "cut")) for seen, answer in (direct, through)]
    assert through == direct
    assert direct[0][0][0] == fault.request.split(b"\r\n")[0]


async def test_each_event_leaves_the_gateway_before_the_next_one_comes():
    received = []

    async def stepwise(wire):
        await wire.head()
        await wire.write(SSE_HEAD)
        for number in range(20):
            await wire.write(b"2\r\n%02d\r\n" % number)
            received.append(await wire.exactly(1))  # goes on only when the client has seen the event
        await wire.write(b"0\r\n\r\n")

    async with Scripted(stepwise) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1000\r\n\r\n")
            await client.head()
            for number in range(20):
                assert await client.exactly(7) == b"2\r\n%02d\r\n" % number
                await client.write(b"x")
            assert await client.exactly(5) == b"0\r\n\r\n"
    assert len(received) == 20


async def test_headers_of_one_connection_stay_on_it_in_both_directions():
    asked = get("/", "Connection: keep-alive, X-Mine", "X-Mine: 1", "Keep-Alive: timeout=5", "TE: trailers",
                "Proxy-Connection: x", "Proxy-Authorization: secret", "X-Kept: 1")  # fmt: skip
    answer = ok(b"", "Connection: X-Theirs, host", "x-theirs: 1", "Keep-Alive: timeout=5", "Proxy-Authenticate: x",
                "Trailer: x", "X-Kept: 2", "Host: kept")  # fmt: skip
    async with Faulty(Fault(asked, answer)) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(asked)
            head = await client.head()
    stays = {*HOP_BY_HOP, b"x-mine", b"x-theirs", b"proxy-authorization", b"proxy-authenticate"}
    for seen in (head, upstream.seen[0][0]):
        assert not stays.intersection(dict(lowered(seen)))
        assert b"x-kept" in dict(lowered(seen))
    assert (b"host", b"kept") in lowered(head)
