"""The relay where two connections do not simply take turns: early answers, departures, reuse, refusals."""

import asyncio
import socket
import time

import pytest
from relaying import RunningGateway, Scripted, Wire, answering, end_to_end, get, lowered, ok, post

CHAT = ("kilter_requests_total", "openai.chat")


async def hanging(wire):
    """Reads a request and never answers."""
    await wire.head()
    await wire.rest(30)


def is_own_error(head, status, reason):
    return head.startswith(b"HTTP/1.1 %d " % status) and (b"x-kilter-error", reason.encode()) in lowered(head)


# Interim answers and early ones


async def test_the_upstream_decides_whether_the_client_goes_on_after_expecting_100():
    async def continues(wire):
        head = await wire.head()
        assert (b"expect", b"100-continue") in lowered(head)
        await wire.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await wire.write(ok(await wire.body(head)))

    async with Scripted(continues) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            assert await client.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.write(b"body")
            assert await client.body(await client.head()) == b"body"


async def test_a_final_answer_instead_of_100_ends_the_connection_without_the_body():
    async def refuses(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno")
        await wire.rest()

    async with Scripted(refuses) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            head = await client.head()
            assert head.startswith(b"HTTP/1.1 401 No\r\n")
            assert (b"connection", b"close") in lowered(head)
            assert await client.rest() == (b"no", "eof")


async def test_an_early_413_reaches_a_client_that_is_still_uploading():
    async def refuses(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
        wire.close()  # with most of the body unread: the kernel answers the rest with a reset

    async with Scripted(refuses) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for _ in range(10):
                client = await Wire.connect(gateway.port)
                client.writer.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 30000000\r\n\r\n")
                uploading = asyncio.ensure_future(upload(client, 30_000_000))
                head = await client.head()
                assert head.startswith(b"HTTP/1.1 413 Too Large\r\n")
                assert (await client.rest())[0] == b"big"
                uploading.cancel()


async def upload(client, count):
    try:
        for _ in range(count // 50_000):
            await client.write(b"x" * 50_000)
    except ConnectionError:
        pass


async def test_an_early_answer_that_goes_on_with_the_upload_is_relayed_as_it_comes():
    async def echoes(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n")
        for _ in range(3):
            await wire.write(await wire.exactly(10))
        await wire.rest()

    async with Scripted(echoes) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 30\r\n\r\n")
            assert (await client.head()).startswith(b"HTTP/1.1 200 ")
            for number in range(3):
                piece = b"%d" % number * 10
                await client.write(piece)
                assert await client.exactly(10) == piece


# Keep-alive and pipelining


async def test_pipelined_requests_are_answered_in_order_on_one_upstream_connection():
    async def numbers(wire):
        while head := await wire.head(30):
            body = await wire.body(head)
            await asyncio.sleep(0.002)
            await wire.write(ok(head.split(b" ")[1] + body))

    async with Scripted(numbers) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"".join(post(b"%d" % n, target=f"/{n}") + get(f"/g{n}") for n in range(20)))
            for number in range(20):
                assert await client.body(await client.head()) == b"/%d%d" % (number, number)
                assert await client.body(await client.head()) == b"/g%d" % number
            assert len(upstream.wires) == 1
            await gateway.becomes(40, "kilter_requests_total", "opaque", "2xx")


async def test_a_client_that_floods_pipelined_requests_and_reads_nothing_is_not_read_any_more():
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            sent = 0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    while True:
                        await client.write(get() * 1000)
                        sent += len(get()) * 1000
            assert sent < 16 << 20  # what fits into the kernel's and our own bounded buffers


async def test_bytes_after_the_answer_cost_the_connection_and_nobody_gets_them():
    async def talkative(wire):
        while await wire.head(30):
            await wire.write(ok(b"mine") + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray")

    async with Scripted(talkative) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            for _ in range(3):
                await client.write(get())
                assert await client.body(await client.head()) == b"mine"
            assert len(upstream.wires) == 3


async def test_connection_close_of_either_side_is_honoured():
    async with Scripted(answering(ok(b"1", "Connection: close"))) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(get())
            assert await client.body(await client.head()) == b"1"
            await client.write(get("/", "Connection: close"))
            head = await client.head()
            assert (b"connection", b"close") in lowered(head)
            assert await client.rest() == (b"1", "eof")
            assert len(upstream.wires) == 2


async def test_an_http_1_0_client_gets_chunks_unpacked_and_ended_by_the_connection():
    chunked = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\n\r\n3\r\nabc\r\n4;x\r\ndefg\r\n0\r\nT: 1\r\n\r\n"
    )
    async with Scripted(answering(chunked)) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            head = await client.head()
            assert b"transfer-encoding" not in dict(lowered(head))
            assert await client.rest() == (b"abcdefg", "eof")


async def test_an_http_1_0_client_may_keep_its_connection_when_the_length_is_known():
    async with Scripted(answering(ok(b"1"))) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            for _ in range(2):
                await client.write(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                head = await client.head()
                assert (b"connection", b"keep-alive") in lowered(head)
                assert await client.body(head) == b"1"
            await client.write(b"GET / HTTP/1.0\r\n\r\n")
            assert (await client.rest())[0].endswith(b"\r\n\r\n1")


async def test_a_request_cut_byte_by_byte_is_the_same_request():
    async def mirrors(wire):
        head = await wire.head()
        await wire.write(ok(b"|".join(end_to_end(head)) + await wire.body(head)))

    request = b"\r\nPOST /x HTTP/1.1\r\nHost: m\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    async with Scripted(mirrors) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            for at in range(len(request)):
                await client.write(request[at : at + 1])
                await asyncio.sleep(0.001)
            assert await client.body(await client.head()) == b"POST /x HTTP/1.1|Host: m|X-A: b3\r\nabc\r\n0\r\n\r\n"


# Departures


@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_leaves_while_the_model_still_thinks_frees_the_upstream_within_100_ms(how):
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for number in range(5):
                client = await Wire.connect(gateway.port)
                await client.write(post())
                wire = await upstream.wire(number)
                await asyncio.sleep(0.02)
                getattr(client, how)()
                assert await wire.gone() < 0.1
            await gateway.becomes(5, "kilter_client_disconnects_total")
            await gateway.becomes(5, *CHAT, "none")
            await gateway.becomes(0, "kilter_inflight_requests")
            await gateway.becomes(0, "kilter_open_connections")


async def test_a_client_that_leaves_a_stream_or_an_upload_frees_the_upstream_within_100_ms():
    async def streams(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            await wire.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.01)

    async with Scripted(streams) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(post())
            await client.exactly(100)
            client.close()
            started = time.monotonic()
            while not upstream.wires[0].writer.transport.is_closing():
                await asyncio.sleep(0.002)
            assert time.monotonic() - started < 0.1
            await gateway.becomes(1, *CHAT, "2xx")

            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 100\r\n\r\nhalf")
            await upstream.wire(1)
            client.close()
            await gateway.becomes(2, "kilter_client_disconnects_total")


@pytest.mark.parametrize("family", ["tcp", "tcp6", "unix"])
async def test_a_client_that_has_only_finished_sending_still_gets_its_answer(family, tmp_path):
    async def slow(wire):
        await wire.body(await wire.head())
        await asyncio.sleep(0.1)
        await wire.write(ok(b"late"))

    listener = {
        "tcp": lambda: socket.create_server(("127.0.0.1", 0)),
        "tcp6": lambda: socket.create_server(("::1", 0), family=socket.AF_INET6),
        "unix": lambda: unix_listener(tmp_path / "relay"),
    }[family]()
    async with Scripted(slow) as upstream:
        with RunningGateway(upstream.port, listener=listener) as gateway:
            for _ in range(2):
                client = await Wire.connect(gateway.address[:2] if family != "unix" else gateway.address)
                await client.write(post())
                client.writer.write_eof()
                assert (await client.rest())[0].endswith(b"\r\n\r\nlate")
            await gateway.becomes(0, "kilter_open_connections")


def unix_listener(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    return listener


async def test_over_a_unix_socket_a_departure_is_told_from_a_half_close(tmp_path):
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port, listener=unix_listener(tmp_path / "relay")) as gateway:
            client = await Wire.connect(gateway.address)
            await client.write(post())
            wire = await upstream.wire()
            await asyncio.sleep(0.02)
            client.close()
            assert await wire.gone() < 0.1


# Back-pressure


async def test_a_slow_reader_holds_the_upstream_and_loses_nothing():
    size = 64 << 20
    sent = 0

    async def floods(wire):
        nonlocal sent
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        while sent < size:
            await wire.write(b"x" * (1 << 16))
            sent += 1 << 16
        await wire.rest()

    async with Scripted(floods) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(get())
            await client.head()
            client.writer.transport.pause_reading()
            await asyncio.sleep(0.5)
            assert sent < 32 << 20  # kernel buffers of four sockets, and one bounded buffer of ours
            client.writer.transport.resume_reading()
            left = size
            while left:
                left -= len(await client.some())


async def test_a_slow_upstream_holds_the_uploading_client_and_loses_nothing():
    size = 64 << 20
    go_on = asyncio.Event()

    async def sluggish(wire):
        await wire.head()
        wire.writer.transport.pause_reading()
        await go_on.wait()
        wire.writer.transport.resume_reading()
        left = size
        while left:
            left -= len(await wire.some())
        await wire.write(ok(b"all"))

    async with Scripted(sluggish) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % size)
            sent = 0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.5):
                    while sent < size:
                        sent += 1 << 16
                        client.writer.write(b"x" * (1 << 16))
                        await client.writer.drain()
            assert sent < 32 << 20
            go_on.set()
            await client.write(b"x" * (size - sent))
            assert await client.body(await client.head()) == b"all"


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


# Tunnels

UPGRADE = (
    b"GET /v1/realtime?model=x HTTP/1.1\r\nHost: m\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: a2V5\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: yes\r\n\r\n"


async def test_a_websocket_becomes_a_tunnel_of_untouched_bytes():
    async def switches(wire):
        fields = dict(lowered(await wire.head()))
        assert fields[b"upgrade"] == b"websocket"
        assert fields[b"connection"].lower() == b"upgrade"
        assert fields[b"sec-websocket-extensions"] == b"permessage-deflate"
        await wire.write(SWITCH + b"\x81\x05hello")
        assert await wire.exactly(15) == b"early" + b"\r\n\r\nGET / "
        await wire.write(b"x" * 3_000_000)
        assert await wire.rest() == (b"bye", "eof")
        await wire.write(b"closing")
        wire.close()

    async with Scripted(switches) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(UPGRADE + b"early")
            assert await client.head() == SWITCH
            assert await client.exactly(7) == b"\x81\x05hello"
            await client.write(b"\r\n\r\nGET / ")
            assert await client.exactly(3_000_000) == b"x" * 3_000_000
            await client.write(b"bye")
            client.writer.write_eof()
            assert await client.rest() == (b"closing", "eof")
            await gateway.becomes(1, "kilter_requests_total", "opaque", "1xx")
            await gateway.becomes(0, "kilter_inflight_requests")
            await gateway.becomes(0, "kilter_open_connections")


async def test_the_end_of_either_side_of_a_tunnel_ends_the_other():
    async def switches(wire):
        await wire.head()
        await wire.write(SWITCH)
        await wire.rest(30)

    async with Scripted(switches) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for number, end in enumerate(("client leaves", "upstream leaves", "client resets", "upstream resets")):
                client = await Wire.connect(gateway.port)
                await client.write(UPGRADE)
                await client.head()
                wire = await upstream.wire(number)
                who = client if end.startswith("client") else wire
                who.close() if end.endswith("leaves") else who.reset()
                if who is client:
                    assert await wire.gone() < 0.5
                else:
                    await client.rest(0.5)
                    client.close()
                await gateway.becomes(0, "kilter_open_connections")


async def test_a_refused_upgrade_is_an_ordinary_answer():
    async with Scripted(answering(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(UPGRADE + get("/next"))
            for _ in range(2):
                assert await client.body(await client.head()) == b"no"


async def test_an_offer_of_h2c_is_left_out_and_the_request_served():
    async def mirrors(wire):
        head = await wire.head()
        await wire.write(ok(head + await wire.body(head)))

    async with Scripted(mirrors) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(
                post(b"body", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
            )
            seen = await client.body(await client.head())
            assert seen.endswith(b"body")
            assert not {b"upgrade", b"http2-settings", b"connection"}.intersection(dict(lowered(seen[:-4])))
