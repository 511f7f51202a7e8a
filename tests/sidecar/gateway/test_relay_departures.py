"""Clients that leave, and clients that only look as if they did."""

import asyncio
import socket
import time

import pytest
from relaying import RunningGateway, Scripted, Wire, get, hanging, ok, post

CHAT = ("kilter_requests_total", "openai.chat")


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


async def test_all_pipelined_requests_are_answered_after_a_half_close():
    async def slow(wire):
        while head := await wire.head(30):
            await asyncio.sleep(0.03)
            await wire.write(ok(head.split(b" ")[1]))

    async with Scripted(slow) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(get("/1") + get("/2") + get("/3"))
            client.writer.write_eof()
            for number in (b"/1", b"/2", b"/3"):
                assert await client.body(await client.head()) == number
            assert await client.rest() == (b"", "eof")


async def test_over_a_unix_socket_a_departure_is_told_from_a_half_close(tmp_path):
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port, listener=unix_listener(tmp_path / "relay")) as gateway:
            client = await Wire.connect(gateway.address)
            await client.write(post())
            wire = await upstream.wire()
            await asyncio.sleep(0.02)
            client.close()
            assert await wire.gone() < 0.1


@pytest.mark.parametrize("family", ["tcp", "unix"])
@pytest.mark.parametrize("how", ["close", "reset"])
async def test_a_client_that_leaves_while_its_upload_is_held_back_frees_the_upstream_within_100_ms(
    family, how, tmp_path
):
    async def reads_nothing(wire):
        await wire.head()
        wire.writer.transport.pause_reading()
        await wire.rest(30)

    listener = None if family == "tcp" else unix_listener(tmp_path / "relay")
    async with Scripted(reads_nothing) as upstream:
        with RunningGateway(upstream.port, listener=listener) as gateway:
            for number in range(3):
                client = await Wire.connect(gateway.port or gateway.address)
                await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1000000000\r\n\r\n")
                await client.write_until_held(b"x" * 100_000)
                if how == "reset" and family == "tcp":
                    client.reset()
                else:
                    client.writer.transport.abort()  # what is still in our own buffer is nobody's
                started = time.monotonic()
                await gateway.becomes(number + 1, "kilter_client_disconnects_total", limit_s=1)
                assert time.monotonic() - started < 0.1
            await gateway.becomes(0, "kilter_inflight_requests")
            await gateway.becomes(0, "kilter_open_connections")


async def test_a_client_that_has_only_finished_sending_a_held_upload_still_gets_its_answer():
    go_on = asyncio.Event()

    async def reads_late(wire):
        head = await wire.head()
        wire.writer.transport.pause_reading()
        await go_on.wait()
        wire.writer.transport.resume_reading()
        await wire.body(head)
        await wire.write(ok(b"taken"))

    async with Scripted(reads_late) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            size = 20_000_000
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % size)
            sending = asyncio.ensure_future(client.write(b"x" * size))
            await asyncio.sleep(0.3)
            go_on.set()
            await sending
            client.writer.write_eof()
            assert (await client.rest())[0].endswith(b"\r\n\r\ntaken")
