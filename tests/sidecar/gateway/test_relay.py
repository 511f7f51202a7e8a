"""Requests and answers that do not simply take turns: early answers, pipelining, back-pressure."""

import asyncio
import socket

from relaying import RunningGateway, Scripted, Wire, answering, end_to_end, get, hanging, lowered, ok, post

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
            # what fits into the kernel's and our own bounded buffers
            assert await client.write_until_held(get() * 1000, limit_s=1) < 16 << 20


async def test_a_client_that_floods_requests_and_takes_no_answer_to_them_is_not_read_any_more():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    async with Scripted(hanging):
        with RunningGateway(nobody) as gateway:
            client = await Wire.connect(gateway.port)
            client.writer.transport.pause_reading()
            assert await client.write_until_held(get() * 1000, limit_s=2) < 16 << 20


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
            sent = await client.write_until_held(b"x" * (1 << 16), at_most=size)
            assert sent < 32 << 20
            go_on.set()
            await client.write(b"x" * (size - sent))
            assert await client.body(await client.head()) == b"all"
