"""What can happen to a request, as a table: each row plays between a client and a model server on raw sockets.

A row runs twice, on a direct connection and through the relay; what each side saw must be the same,
less what HTTP says belongs to one connection. The model server knows the row by a header, so that all
rows can run at the same time through one relay.
"""

import asyncio
import gzip
import itertools
import time
from dataclasses import dataclass

import brotli
from backports import zstd
from relaying import Scripted, Wire, end_to_end, get, lowered, ok, post

SSE = b"".join(b"%x\r\ndata: %d\n\n\r\n" % (len(b"data: %d\n\n" % i), i) for i in range(50)) + b"0\r\n\r\n"
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TEXT = b"never unpacked on the way" * 100
BIG = bytes(range(256)) * (10 * 4096)  # 10 MiB
PROMPT = b'{"model":"m","messages":[{"role":"user","content":"Tell me about the sea."}]}'


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass
class Fault:
    """``request`` goes out whole; the upstream reads it and writes ``answer`` in ``pieces``.

    ``then``, the upstream: ``stay``, ``close``, ``reset``, ``endless`` (goes on until the client leaves), ``hang``
    (never answers). ``client``: ``stay``, ``leave`` (after ``read_bytes`` of the body), ``half-close``, ``slow``.
    ``early``: answers without reading the body. ``times``: so many pipelined requests.
    """

    request: bytes
    answer: bytes = b""
    pieces: int = 1
    then: str = "stay"
    pause_s: float = 0.002
    client: str = "stay"
    read_bytes: int = 0
    early: bool = False
    times: int = 1


FAULTS = {
    "content length": Fault(post(b'{"a":1}'), ok(b'{"b":2}', "Content-Type: application/json")),
    "no body": Fault(get("/v1/models"), ok(b"")),
    "chunked, an event at a time": Fault(post(PROMPT), SSE_HEAD + SSE, pieces=60),
    "chunked, all at once": Fault(post(PROMPT), SSE_HEAD + SSE),
    "chunked with extensions and trailers": Fault(
        post(), SSE_HEAD + b'5;name="v;alue"\r\nhello\r\n00\r\nX-Check: 1\r\nX-Check: 2\r\n\r\n', pieces=9
    ),
    "closed by the upstream's end": Fault(post(), b"HTTP/1.1 200 OK\r\n\r\nup to the end", pieces=3, then="close"),
    "closed by the end, with a header": Fault(post(), b"HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\nold", then="close"),
    "gzip": Fault(post(), ok(gzip.compress(TEXT, mtime=0), "Content-Encoding: gzip"), pieces=4),
    "brotli": Fault(post(PROMPT), ok(brotli.compress(TEXT), "Content-Encoding: br"), pieces=4),
    "zstd": Fault(post(PROMPT), ok(zstd.compress(TEXT), "Content-Encoding: zstd"), pieces=4),
    "gzip that is none": Fault(post(PROMPT), ok(b"not gzip", "Content-Encoding: gzip")),
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
    "cut in a chunk": Fault(post(PROMPT), SSE_HEAD + SSE[:200], pieces=4, then="close"),
    "cut between two chunks": Fault(post(PROMPT), SSE_HEAD + SSE[:-5], pieces=4, then="close"),
    "reset in the body": Fault(
        post(), b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", then="reset", pause_s=0.05
    ),
    "more bytes than its length says": Fault(post(), ok(b"whole") + b"surplus", then="close"),
    "10 MiB up and down": Fault(post(BIG), ok(BIG), pieces=40, pause_s=0.0),
    "pipelined": Fault(post(PROMPT), ok(b"each"), times=3),
    "waits for 100 Continue": Fault(post(PROMPT, "Expect: 100-continue"), ok(b"went on")),
    "refused before the body": Fault(post(PROMPT, "Expect: 100-continue"), ok(b"no").replace(b"200 OK", b"417 No"),
                                     early=True),
    "answered before the upload has ended": Fault(post(BIG), ok(b"too large").replace(b"200 OK", b"413 No"),
                                                  early=True),
    "stalls, then goes on": Fault(post(PROMPT), SSE_HEAD + SSE, pieces=3, pause_s=0.3),
    "SSE that is none": Fault(
        post(PROMPT), SSE_HEAD + chunk(b"data: {\n\ndata\xff:\0 }\n") + chunk(b"\r\r\revent") + b"0\r\n\r\n", pieces=7
    ),
    "SSE without an end, in one event of 300 KB": Fault(
        post(PROMPT), SSE_HEAD + chunk(b"data: " + b"x" * 300_000) + b"0\r\n\r\n", pieces=9
    ),
    "SSE with an error in it": Fault(
        post(PROMPT), SSE_HEAD + chunk(b'data: {"error":{"message":"out of memory","type":"x"}}\n\n') + b"0\r\n\r\n"
    ),
    "JSON that ends nowhere": Fault(post(PROMPT), ok(b'{"choices":[{"message":{"content":"', "Content-Type: application/json")),
    "a WebSocket": Fault(
        get("/v1/realtime", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x05hello",
        pieces=3,
        then="close",
    ),
    "the client half-closes": Fault(post(PROMPT), SSE_HEAD + SSE, pieces=20, client="half-close"),
    "the client reads slowly": Fault(post(PROMPT), ok(BIG[: 1 << 20]), client="slow"),
    "the client leaves in a stream": Fault(
        post(PROMPT), SSE_HEAD + SSE[:200], then="endless", client="leave", read_bytes=150
    ),
    "the client leaves before the first byte": Fault(post(PROMPT), then="hang", client="leave"),
    "the client resets before the first byte": Fault(post(PROMPT), then="hang", client="reset"),
}  # fmt: skip


class Faulty(Scripted):
    """The model server of every row. ``seen`` maps the number of a play to (head, body) as they came;
    ``left`` to how many seconds after the client's departure the connection ended.
    """

    def __init__(self, port=0):
        super().__init__(self._play, port=port)
        self.seen = {}
        self.ended_s = {}

    async def _play(self, wire):
        while head := await wire.head(limit_s=60):
            fields = dict(lowered(head))
            name, number = fields[b"x-fault"].decode().rsplit("#", 1)
            fault = FAULTS[name]
            if fields.get(b"expect") and not fault.early:
                await wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = b"" if fault.early else await wire.body(head)
            self.seen.setdefault(number, []).append((head, body))
            step = -(-len(fault.answer) // fault.pieces) or 1
            for at in range(0, len(fault.answer), step):
                await wire.write(fault.answer[at : at + step])
                await asyncio.sleep(fault.pause_s)
            if fault.then == "reset":
                wire.reset()
            if fault.then == "endless":
                await self._until_gone(wire, number)
            elif fault.then == "hang":
                await wire.rest(60)
                self.ended_s[number] = time.monotonic()
            if fault.then != "stay":
                return
            if fault.early and not fields.get(b"expect"):
                await wire.rest(60)  # takes what the client still sends, as a lingering server does
                return

    async def _until_gone(self, wire, number):
        try:
            while not wire.writer.transport.is_closing():
                await wire.write(b"1\r\nx\r\n")
                await asyncio.sleep(0.005)
        finally:
            self.ended_s[number] = time.monotonic()


_numbers = itertools.count()


async def play(port, name, upstream, limit_s=60.0):
    """Plays a row at ``port``: what the upstream saw (request lines and headers, body), and what the client saw
    (heads, body, end).
    """
    try:
        async with asyncio.timeout(limit_s):
            return await _play(port, name, upstream)
    except Exception as error:
        error.add_note(f"in the row {name!r}")
        raise


async def _play(port, name, upstream):
    fault, number = FAULTS[name], str(next(_numbers))
    line, rest = fault.request.split(b"\r\n", 1)
    request = line + b"\r\nX-Fault: %b#%b\r\n" % (name.encode(), number.encode()) + rest
    client = await Wire.connect(port)
    writing = asyncio.ensure_future(_send(client, request, fault))
    try:
        answer = await _departure(client, fault, upstream, number) if fault.client in ("leave", "reset") else None
        if answer is not None:
            left_s = time.monotonic()
            while number not in upstream.ended_s:
                await asyncio.sleep(0.002)
            answer = (*answer, f"upstream left {'soon' if upstream.ended_s[number] - left_s < 5 else 'late'}")
        else:
            answer = [await _answer(client, fault) for _ in range(fault.times)]
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        client.close()
    seen = [(without(end_to_end(head), number), body) for head, body in upstream.seen[number]]
    return seen, answer


def without(lines, number):
    """The head's lines, less the number of the play, which differs."""
    return [line.removesuffix(b"#" + number.encode()) for line in lines]


async def _send(client, request, fault):
    if b"Expect:" in request:
        head, _, body = request.partition(b"\r\n\r\n")
        await client.write(head + b"\r\n\r\n")
        if fault.early:
            return
        client.interim = await client.head()
        await client.write(body)
        return
    await client.write(request * fault.times)
    if fault.client == "half-close":
        client.writer.write_eof()


async def _departure(client, fault, upstream, number):
    while number not in upstream.seen:
        await asyncio.sleep(0.002)
    if fault.read_bytes:
        heads, body = [end_to_end(await client.head())], await client.exactly(fault.read_bytes)
    else:
        heads, body = [], b""
    if fault.client == "reset":
        client.reset()
    else:
        client.close()
    return heads, body


async def _answer(client, fault):
    if b"Expect:" in fault.request and not fault.early:
        while not hasattr(client, "interim"):
            await asyncio.sleep(0.001)
        heads = [client.interim]
    else:
        heads = []
    heads.append(await client.head(30))
    while heads[-1].startswith(b"HTTP/1.1 1") and not heads[-1].startswith(b"HTTP/1.1 101"):
        heads.append(await client.head(30))
    fields = dict(lowered(heads[-1]))
    end = ""
    if fault.request.startswith(b"HEAD") or heads[-1][9:12] in (b"204", b"304"):
        body = b""
    elif fault.client == "slow":
        body = b""
        while len(body) < int(fields[b"content-length"]):
            body += await client.exactly(min(1 << 16, int(fields[b"content-length"]) - len(body)))
            await asyncio.sleep(0.01)
    elif fault.then != "stay" and b"surplus" not in fault.answer:
        body, end = await client.rest(30)
    elif b"transfer-encoding" in fields or b"content-length" in fields:
        body = await client.body(heads[-1])
    else:
        body, end = await client.rest(30)
    if fault.then == "reset":  # a cut is a cut: the kernel may have told the direct client as a reset or not
        end = "cut"
    return [end_to_end(head) for head in heads], body, end
