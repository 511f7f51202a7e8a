"""What the relay shows its observer, and that nothing the observer does can be seen in the traffic."""

import asyncio
import itertools
import logging
import random

import pytest
from relaying import RunningGateway, Scripted, Wire, answering, hanging, ok, post

from sidecar.gateway.observer import TIMED_PIECES

CHAT = ("kilter_requests_total", "openai.chat")
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def asked(client, request):
    await client.write(request)
    head = await client.head()
    return head, await client.body(head)


class Recording:
    """An observer that writes down every call. ``raises``: the call that fails."""

    def __init__(self, raises=""):
        self.calls = []
        self.times = []
        self.timed = 0
        self.raises = raises

    def _note(self, at_s, name, *what):
        self.times.append(at_s)
        self.calls.append((name, *what))
        if name == self.raises:
            raise RuntimeError("SECRET")

    def begin(self, head, at_s, body):
        self._note(at_s, "begin", head.method, head.target, list(head.headers))
        if body is not None:
            self.request_body([body])
        return self

    def request_body(self, pieces):
        for data in pieces:
            self._note(self.times[-1], "request_body", data)

    def request_sent(self, at_s):
        self._note(at_s, "request_sent")
        return True

    def response_head(self, head, at_s):
        self._note(at_s, "response_head", head.status, list(head.headers))

    def response_body(self, pieces, times_s):
        assert not times_s or len(times_s) == len(pieces)
        self.timed += len(times_s)
        for data, at_s in itertools.zip_longest(pieces, times_s, fillvalue=self.times[-1]):
            self._note(at_s, "response_body", data)

    def end(self, ended, at_s):
        self._note(at_s, "end", ended)

    def joined(self, name):
        return b"".join(call[1] for call in self.calls if call[0] == name)

    def order(self):
        names = [call[0] for call in self.calls]
        return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


CHUNKED_POST = b"POST /v1/chat/completions?k=1 HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: 1\r\n\r\n"


async def test_the_observer_sees_bodies_without_their_chunk_framing_and_every_moment_in_order():
    observer = Recording()
    answer = b"HTTP/1.1 100 Continue\r\n\r\n" + SSE_HEAD + b"4\r\nabcd\r\n1\r\ne\r\n0\r\n\r\n"
    async with Scripted(answering(answer)) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            for at in range(0, len(CHUNKED_POST), 30):
                await client.write(CHUNKED_POST[at : at + 30])
                await asyncio.sleep(0.01)
            await client.head()
            await client.body(await client.head())
            await gateway.becomes(1, *CHAT, "2xx")
    assert observer.calls[0] == (
        "begin", b"POST", b"/v1/chat/completions?k=1", [(b"Host", b"m"), (b"Transfer-Encoding", b"chunked")]
    )  # fmt: skip
    assert observer.joined("request_body") == b"abcde"
    assert observer.joined("response_body") == b"abcde"
    assert observer.order() == ["begin", "request_body", "request_sent", "response_head", "response_body", "end"]
    assert observer.calls[-1] == ("end", "complete")
    assert observer.times == sorted(observer.times)


async def test_a_long_stream_is_told_whole_and_in_order_however_its_chunks_come_and_its_beginning_is_timed():
    draw = random.Random(20261201)
    observer = Recording()
    payloads = [draw.randbytes(draw.choice((16, 200, 500, 505, 900, 3000, 6000))) for _ in range(300)]
    packets = [b"%x\r\n%b\r\n" % (len(payload), payload) for payload in payloads]
    cuts = sorted(draw.sample(range(1, 300), 240))  # some packets hold several chunks
    together = [b"".join(packets[at:end]) for at, end in itertools.pairwise([0, *cuts, 300])]

    async def stream(wire):
        await wire.head()
        await wire.write(SSE_HEAD)
        for data in [*together, b"0\r\n\r\n"]:
            await wire.write(data)
            await asyncio.sleep(0.001)

    async with Scripted(stream) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"GET / HTTP/1.1\r\nHost: m\r\n\r\n")
            await client.head()
            assert await client.chunked() == b"".join(packets) + b"0\r\n\r\n"
    assert observer.joined("response_body") == b"".join(payloads)
    assert TIMED_PIECES <= observer.timed < 2 * TIMED_PIECES


async def test_of_a_long_answer_without_chunks_only_the_beginning_is_timed():
    observer = Recording()
    pieces = [b"%04d" % number for number in range(200)]

    async def stream(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 800\r\n\r\n")
        for piece in pieces:
            await wire.write(piece)
            await asyncio.sleep(0.001)

    async with Scripted(stream) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"GET / HTTP/1.1\r\nHost: m\r\n\r\n")
            assert await client.body(await client.head()) == b"".join(pieces)
    assert observer.joined("response_body") == b"".join(pieces)
    assert TIMED_PIECES <= observer.timed < 2 * TIMED_PIECES


async def test_the_observer_is_told_who_ended_what_was_not_finished():
    async def cuts(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")

    for script, client_leaves, ended in ((cuts, False, "upstream_cut"), (hanging, True, "client_aborted")):
        observer = Recording()
        async with Scripted(script) as upstream:
            with RunningGateway(upstream.port, observer=observer) as gateway:
                client = await Wire.connect(gateway.port)
                await client.write(post())
                await upstream.wire()
                if client_leaves:
                    await asyncio.sleep(0.02)
                    client.close()
                else:
                    await client.rest()
                await gateway.becomes(0, "kilter_inflight_requests")
        assert observer.calls[-1] == ("end", ended)
        assert [call[0] for call in observer.calls].count("end") == 1


async def test_an_answer_of_the_gateway_itself_is_not_shown_as_the_models():
    observer = Recording()
    async with Scripted(answering(b"nonsense\r\n\r\n")) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            assert (await asked(client, post()))[0].startswith(b"HTTP/1.1 502 ")
    assert observer.order() == ["begin", "request_body", "request_sent", "end"]
    assert observer.calls[-1] == ("end", "upstream_cut")


@pytest.mark.parametrize("call", ["begin", "request_body", "request_sent", "response_head", "response_body", "end"])
async def test_an_observer_that_raises_anywhere_changes_nothing_and_is_not_called_again(call, caplog):
    observer = Recording(raises=call)
    async with Scripted(answering(SSE_HEAD + b"4\r\nabcd\r\n0\r\n\r\n")) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            for _ in range(2):
                head, body = await asked(client, CHUNKED_POST)
                assert head == SSE_HEAD
                assert body == b"4\r\nabcd\r\n0\r\n\r\n"
            await gateway.becomes(2, "kilter_captures_total", "failed")
    assert [name for name, *_ in observer.calls].count(call) == 2
    assert observer.calls[-1][0] == call
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert "SECRET" not in caplog.text


async def test_an_observer_that_looks_away_costs_nothing_and_is_told_nothing():
    class LooksAway(Recording):
        def begin(self, *what):
            self._note(what[1], "begin")

    observer = LooksAway()
    async with Scripted(answering(ok(b"x"))) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            assert (await asked(client, post()))[1] == b"x"
    assert observer.calls == [("begin",)]


@pytest.mark.parametrize("request_bytes", [post(), CHUNKED_POST], ids=["whole", "in chunks"])
async def test_a_tap_that_lets_go_when_the_request_is_sent_is_told_nothing_more(request_bytes):
    class LetsGo(Recording):
        def request_sent(self, at_s):
            super().request_sent(at_s)
            return False

    observer = LetsGo()
    async with Scripted(answering(SSE_HEAD + b"4\r\nabcd\r\n0\r\n\r\n")) as upstream:
        with RunningGateway(upstream.port, observer=observer) as gateway:
            client = await Wire.connect(gateway.port)
            assert await asked(client, request_bytes) == (SSE_HEAD, b"4\r\nabcd\r\n0\r\n\r\n")
            await gateway.becomes(0, "kilter_inflight_requests")
    assert observer.order() == ["begin", "request_body", "request_sent"]
