"""What is not safely HTTP, from either side, is refused and never completed."""

import asyncio
import socket

import pytest
from relaying import RunningGateway, Scripted, Wire, answering, get, hanging, is_own_error, lowered, ok, post

CHAT = ("kilter_requests_total", "openai.chat")


# What the upstream can do wrong


async def test_an_upstream_that_resets_before_answering_is_a_502_and_never_asked_twice():
    async def resets(wire):
        await wire.head()
        wire.reset()

    async with Scripted(resets) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            for request in (post(), get()):
                await client.write(request)
                head = await client.head()
                assert is_own_error(head, 502, "reset")
                assert b'"code": "reset"' in await client.body(head)
            assert len(upstream.wires) == 2
            await gateway.becomes(2, "kilter_upstream_errors_total", "reset")
            await gateway.becomes(1, *CHAT, "5xx")


async def test_an_upstream_that_cannot_be_reached_is_a_502():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with Scripted(hanging):
        with RunningGateway(port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(post() + b"HEAD / HTTP/1.1\r\nHost: m\r\n\r\n" + get())
            head = await client.head()
            assert is_own_error(head, 502, "connect")
            await client.body(head)
            assert is_own_error(await client.head(), 502, "connect")  # no body follows the answer to HEAD
            assert is_own_error(await client.head(), 502, "connect")


@pytest.mark.parametrize(
    "answer",
    [
        b"220 smtp.example\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-A: " + b"a" * 70000,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_safely_http_is_a_502(answer):
    async with Scripted(answering(answer)) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(post())
            assert is_own_error(await client.head(), 502, "protocol")
            await gateway.becomes(1, "kilter_upstream_errors_total", "protocol")


async def test_a_broken_chunk_cuts_the_answer_instead_of_completing_it():
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
    for bad in (b"zz\r\n", b"2\r\nabc\r\n", b"5\r\nabcde\n0\r\n\r\n"):

        async def script(wire, bad=bad):
            await wire.head()
            await wire.write(broken)
            await asyncio.sleep(0.02)
            await wire.write(bad)
            await wire.rest()

        async with Scripted(script) as upstream:
            with RunningGateway(upstream.port) as gateway:
                client = await Wire.connect(gateway.port)
                await client.write(post())
                await client.head()
                assert not (await client.rest())[0].endswith(b"0\r\n\r\n")
                await gateway.becomes(1, "kilter_upstream_errors_total", "protocol")


async def test_an_answer_without_a_length_that_is_reset_is_reset_for_the_client_too():
    async def resets(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await asyncio.sleep(0.05)
        wire.reset()

    async with Scripted(resets) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for version in ("1.1", "1.0"):
                client = await Wire.connect(gateway.port)
                await client.write(get(version=version))
                await client.head()
                assert await client.rest() == (b"half", "reset")


# What the client can do wrong

REFUSED = {
    "length and chunks": b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3, 3\r\n\r\nabc",
    "a signed length": b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: +3\r\n\r\nabc",
    "gzip, chunked": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "chunked twice": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "identity": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: identity\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length : 3\r\n\r\nabc",
    "a folded header": b"GET / HTTP/1.1\r\nHost: m\r\nX-A: b\r\n c\r\n\r\n",
    "a folded transfer encoding": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a bare line feed": b"GET / HTTP/1.1\r\nHost: m\r\nX-A: b\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: m\r\nX-A: b\rX-B: c\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: m\r\nX-A: \0\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: m\r\nHost: m\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\nX-A: b\r\n\r\n",
    "upgrade with a body": b"GET / HTTP/1.1\r\nHost: m\r\nConnection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n\r\nabc",
    "upgrade with chunks": b"GET / HTTP/1.1\r\nHost: m\r\nConnection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "CONNECT": b"CONNECT other:443 HTTP/1.1\r\nHost: other\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: m\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "ICE": b"SOURCE / ICE/1.0\r\nHost: m\r\n\r\n",
    "not HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a bad chunk size": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk ended by a bare line feed": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n",
    "a chunk that is too long": b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_ambiguous_requests_are_refused_unseen_by_the_upstream(name, caplog):
    async with Scripted(answering(ok(b"reached"))) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(REFUSED[name] + get("/smuggled"))
            answer, _ = await client.rest()
            head, _, body = answer.partition(b"\r\n\r\n")
            assert is_own_error(head + b"\r\n\r\n", 400, "bad_request")
            assert (b"connection", b"close") in lowered(head + b"\r\n\r\n")
            assert body.count(b"{") == 2  # one JSON object in another: nothing after it was answered
            assert upstream.wires == []
            await gateway.becomes(1, "kilter_rejected_requests_total", "bad_request")
    assert caplog.records == []


async def test_a_chunk_that_breaks_later_stops_the_request_and_is_a_400():
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            wire = await upstream.wire()
            await asyncio.sleep(0.02)
            await client.write(b"zz\r\n")
            assert is_own_error(await client.head(), 400, "bad_request")
            assert await wire.gone() < 1


async def test_neither_answer_nor_log_quotes_a_refused_request(caplog):
    async with Scripted(answering(ok())) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for bad in (
                b"GET /?key=SECRET HTTP/3.3\r\nHost: m\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: m\r\nAuthorization: SECRET\x00\r\n\r\n",
                b"GET / HTTP/1.1\r\nHost: m\r\nAuthorization: " + b"SECRET" * 20000 + b"\r\n\r\n",
            ):
                client = await Wire.connect(gateway.port)
                client.writer.write(bad)
                assert b"SECRET" not in (await client.rest())[0]
    assert "SECRET" not in caplog.text


async def test_a_head_above_the_limit_is_a_431_and_one_below_it_passes():
    async with Scripted(answering(ok(b"fine"))) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(get("/" + "a" * 65000))
            assert await client.body(await client.head()) == b"fine"
            client.writer.write(get("/" + "a" * 66000))
            assert is_own_error(await client.head(), 431, "headers_too_large")
            client = await Wire.connect(gateway.port)
            client.writer.write(b"GET / HTTP/1.1\r\nX-Endless: " + b"a" * 70000)
            assert is_own_error(await client.head(), 431, "headers_too_large")
