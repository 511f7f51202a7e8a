"""The gateway as a server: listeners, limits, time-outs, counters, its observer and its end."""

import asyncio
import socket
import ssl
import subprocess
import time

import pytest
from relaying import RunningGateway, Scripted, Wire, answering, get, hanging, is_own_error, lowered, ok, post

CHAT = ("kilter_requests_total", "openai.chat")
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def asked(client, request):
    await client.write(request)
    head = await client.head()
    return head, await client.body(head)


# Limits and time-outs


async def test_a_connection_above_the_limit_gets_a_503_and_the_others_go_on():
    async with Scripted(answering(ok(b"x"))) as upstream:
        with RunningGateway(upstream.port, max_connections=2) as gateway:
            first, second, third = [await Wire.connect(gateway.port) for _ in range(3)]
            assert is_own_error(await third.head(), 503, "overloaded")
            for client in (first, second):
                assert (await asked(client, get()))[1] == b"x"
            third.close()
            second.close()
            await gateway.becomes(1, "kilter_open_connections")
            assert (await asked(await Wire.connect(gateway.port), get()))[1] == b"x"


async def test_a_request_above_the_limit_gets_a_503_until_one_has_ended():
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port, max_inflight=1) as gateway:
            first, second = await Wire.connect(gateway.port), await Wire.connect(gateway.port)
            await first.write(post())
            await gateway.becomes(1, "kilter_inflight_requests")
            assert is_own_error((await asked(second, post()))[0], 503, "overloaded")
            await gateway.becomes(1, "kilter_rejected_requests_total", "overloaded")
            first.close()
            await gateway.becomes(0, "kilter_inflight_requests")


async def test_headers_that_trickle_in_end_in_a_408():
    async with Scripted(answering(ok())) as upstream:
        with RunningGateway(upstream.port, header_timeout_s=0.3) as gateway:
            client = await Wire.connect(gateway.port)
            started = time.monotonic()
            trickling = asyncio.ensure_future(trickle(client, b"GET / HTTP/1.1\r\nHost: m\r\n" + b"X: y\r\n" * 1000))
            assert is_own_error(await client.head(), 408, "header_timeout")
            assert 0.2 < time.monotonic() - started < 1
            trickling.cancel()


async def trickle(client, data):
    for at in range(len(data)):
        await client.write(data[at : at + 1])
        await asyncio.sleep(0.02)


async def test_a_connection_without_a_request_is_closed_after_its_time_without_a_word():
    async with Scripted(answering(ok(b"x"))) as upstream:
        with RunningGateway(upstream.port, keepalive_timeout_s=0.2) as gateway:
            client = await Wire.connect(gateway.port)
            assert (await asked(client, get()))[1] == b"x"
            started = time.monotonic()
            assert await client.rest() == (b"", "eof")
            assert 0.1 < time.monotonic() - started < 1


async def test_an_upstream_that_does_not_begin_to_answer_is_a_504_and_is_left_at_once():
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port, first_byte_timeout_s=0.2, idle_timeout_s=0.05) as gateway:
            client = await Wire.connect(gateway.port)
            started = time.monotonic()
            head, _ = await asked(client, post())
            assert is_own_error(head, 504, "timeout_first_byte")
            assert 0.15 < time.monotonic() - started < 1
            await upstream.wires[0].gone()
            await gateway.becomes(1, "kilter_upstream_errors_total", "timeout_first_byte")
            await gateway.becomes(1, *CHAT, "5xx")


async def test_a_stream_that_falls_silent_is_cut_and_one_that_trickles_is_not():
    async def falls_silent(wire):
        await wire.head()
        await wire.write(SSE_HEAD)
        for _ in range(10):
            await wire.write(b"1\r\nx\r\n")
            await asyncio.sleep(0.06)
        await wire.rest()

    async with Scripted(falls_silent) as upstream:
        with RunningGateway(upstream.port, idle_timeout_s=0.3) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(post())
            await client.head()
            body, _ = await client.rest()
            assert body == b"1\r\nx\r\n" * 10
            await gateway.becomes(1, "kilter_upstream_errors_total", "timeout_idle")


async def test_a_body_that_stops_arriving_is_a_408():
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port, idle_timeout_s=0.2) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 10\r\n\r\nabc")
            assert is_own_error(await client.head(), 408, "body_timeout")
            await upstream.wires[0].gone()


async def test_a_client_that_takes_nothing_is_dropped_after_the_idle_time():
    async def floods(wire):
        await wire.head()
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            await wire.write(b"x" * 100_000)

    async with Scripted(floods) as upstream:
        with RunningGateway(upstream.port, idle_timeout_s=0.3) as gateway:
            client = await Wire.connect(gateway.port)
            client.writer.transport.pause_reading()
            await client.write(post())
            await gateway.becomes(1, "kilter_client_disconnects_total")
            await gateway.becomes(0, "kilter_open_connections")
            await upstream.wires[0].gone()


# Counting


async def test_requests_are_counted_by_wire_format_and_status_class_with_their_times():
    async def slow(wire):
        while head := await wire.head(30):
            await wire.body(head)
            await asyncio.sleep(0.03)
            await wire.write(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\n")
            await asyncio.sleep(0.03)
            await wire.write(b"no")

    async with Scripted(slow) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, post(target="/openai/v1/chat/completions?api-version=1"))
            await asked(client, get("/v1/chat/completions"))
            await asked(client, post(target="/v1/completions"))
            await asked(client, post(target="/v1/embeddings?x=/v1/completions"))
            await gateway.becomes(1, *CHAT, "4xx")
            await gateway.becomes(1, "kilter_requests_total", "openai.completions", "4xx")
            await gateway.becomes(2, "kilter_requests_total", "opaque", "4xx")
            for name, least in (
                ("kilter_request_duration_seconds", 0.05),
                ("kilter_time_to_first_chunk_seconds", 0.05),
            ):
                cell = gateway.counters.cell(name, "openai.chat")
                width = len(gateway.counters.metrics[1].buckets) + 2
                assert sum(gateway.counters.cells[cell : cell + width - 1]) == 1
                assert least < gateway.counters.cells[cell + width - 1] < 1


# Draining


async def test_drain_lets_a_stream_finish_closes_the_idle_and_accepts_no_more():
    go_on = asyncio.Event()

    async def streams(wire):
        while await wire.head(30):
            await wire.write(SSE_HEAD + b"1\r\nx\r\n")
            await go_on.wait()
            await wire.write(b"1\r\ny\r\n0\r\n\r\n")

    async with Scripted(streams) as upstream:
        with RunningGateway(upstream.port) as gateway:
            streaming, idle, fresh = [await Wire.connect(gateway.port) for _ in range(3)]
            go_on.set()
            await idle.write(b"GET / HTTP/1.1\r\nHost: m\r\n\r\n")
            await idle.body(await idle.head())
            go_on.clear()
            await streaming.write(post())
            await streaming.head()
            assert await streaming.exactly(6) == b"1\r\nx\r\n"
            draining = asyncio.ensure_future(gateway.drain(10))
            assert await idle.rest() == (b"", "eof")
            with pytest.raises(ConnectionError):
                await Wire.connect(gateway.port)
            assert gateway.gateway.draining
            go_on.set()
            assert await streaming.rest() == (b"1\r\ny\r\n0\r\n\r\n", "eof")
            await fresh.write(get())  # it was accepted before: its first request is still served
            head = await fresh.head()
            assert head.startswith(b"HTTP/1.1 200 ")
            assert (b"connection", b"close") in lowered(head)
            await fresh.rest()
            await asyncio.wait_for(draining, 3)
            assert gateway.value("kilter_open_connections") == 0


async def test_drain_does_not_wait_out_the_grace_for_a_connection_that_never_asks():
    async with Scripted(answering(ok())) as upstream:
        with RunningGateway(upstream.port, header_timeout_s=0.2) as gateway:
            client = await Wire.connect(gateway.port)
            await gateway.becomes(1, "kilter_open_connections")
            started = time.monotonic()
            await gateway.drain(10)
            assert time.monotonic() - started < 2
            assert await client.rest() == (b"", "eof")


async def test_drain_aborts_what_is_left_after_the_grace_and_the_upstream_hears_of_it():
    async with Scripted(hanging) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(post())
            await upstream.wire()
            started = time.monotonic()
            await gateway.drain(0.2)
            assert 0.15 < time.monotonic() - started < 1
            await client.rest()
            await upstream.wires[0].gone()


async def test_a_pipelined_request_after_the_drain_began_is_refused_in_words():
    go_on = asyncio.Event()

    async def waits(wire):
        await wire.head()
        await wire.write(ok(b"first")[:-5])
        await go_on.wait()
        await wire.write(b"first")

    async with Scripted(waits) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(post())
            await client.head()  # that the connection will end is not in it
            draining = asyncio.ensure_future(gateway.drain(5))
            await client.write(get("/second"))
            await asyncio.sleep(0.05)
            go_on.set()
            assert await client.exactly(5) == b"first"
            assert is_own_error(await client.head(), 503, "draining")
            client.close()
            await asyncio.wait_for(draining, 3)
            assert len(upstream.wires) == 1


async def test_the_end_of_one_worker_leaves_a_unix_listener_to_the_others(tmp_path):
    path = tmp_path / "relay"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    others = listener.dup()
    async with Scripted(answering(ok(b"x"))) as upstream:
        with RunningGateway(upstream.port, listener=listener) as first:
            assert (await asked(await Wire.connect(str(path)), get()))[1] == b"x"
            await first.drain(0)
        with RunningGateway(upstream.port, listener=others):
            assert (await asked(await Wire.connect(str(path)), get()))[1] == b"x"


# TLS towards the client


async def test_clients_can_be_served_over_tls(tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
    big = b"x" * 2_000_000

    async def answers_twice(wire):
        for _ in range(2):
            await wire.body(await wire.head())
            await wire.write(ok(big))
        await hanging(wire)

    async with Scripted(answers_twice) as upstream:
        files = {"tls_cert_file": str(tmp_path / "cert.pem"), "tls_key_file": str(tmp_path / "key.pem")}
        with RunningGateway(upstream.port, **files) as gateway:
            client = await Wire.connect(gateway.port, ssl=trust, server_hostname="localhost")
            assert (await asked(client, post(big)))[1] == big
            await client.write(get("/", "Connection: close"))
            assert (await client.rest())[0].endswith(big)
            client = await Wire.connect(gateway.port, ssl=trust, server_hostname="localhost")
            await client.write(post())
            await gateway.becomes(1, "kilter_inflight_requests")
            client.close()
            await gateway.becomes(1, "kilter_client_disconnects_total", limit_s=0.5)
            client = await Wire.connect(gateway.port, ssl=trust, server_hostname="localhost")
            client.writer.write(b"nonsense\r\n\r\n")
            assert is_own_error(await client.head(), 400, "bad_request")
