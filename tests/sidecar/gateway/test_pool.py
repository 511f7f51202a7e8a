"""Connections to the upstream: reuse, its risks, and every way to reach one."""

import asyncio
import contextlib
import socket
import ssl
import subprocess
import time

import pytest
from relaying import RunningGateway, Scripted, Wire, answering, get, lowered, ok, post

from sidecar.gateway.pool import QUIET_S, Pool
from sidecar.settings import UpstreamSettings


def once_then_dies(how):
    """Answers a connection's first request; its second makes the connection die unanswered."""

    async def script(wire):
        await wire.body(await wire.head())
        await wire.write(ok(b"first"))
        head = await wire.head(30)
        if head:
            getattr(wire, how)()

    return script


async def asked(client, request):
    await client.write(request)
    head = await client.head()
    return head, await client.body(head)


async def test_exchanges_one_after_the_other_share_one_upstream_connection():
    async with Scripted(answering(ok(b"x"))) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for _ in range(5):
                client = await Wire.connect(gateway.port)
                for request in (post(), get(), post()):
                    assert (await asked(client, request))[1] == b"x"
                client.close()
            assert len(upstream.wires) == 1


async def test_exchanges_at_the_same_time_never_share_one():
    all_there = asyncio.Barrier(20)

    async def together(wire):
        head = await wire.head()
        await all_there.wait()
        await wire.write(ok(head.split(b" ")[1]))

    async with Scripted(together) as upstream:
        with RunningGateway(upstream.port) as gateway:
            clients = [await Wire.connect(gateway.port) for _ in range(20)]
            for number, client in enumerate(clients):
                await client.write(get(f"/{number}"))
            for number, client in enumerate(clients):
                assert await client.body(await client.head()) == b"/%d" % number


async def test_a_connection_that_the_upstream_closed_while_idle_costs_no_request():
    async with Scripted(answering(ok(b"x"), close=True)) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            for _ in range(30):
                head, _ = await asked(client, post())
                assert head.startswith(b"HTTP/1.1 200 ")
                await asyncio.sleep(0.005)
            assert gateway.value("kilter_upstream_retries_total") == 0


class Asking(asyncio.Future):
    """Waits for a connection."""

    def connected(self, upstream):
        self.set_result(upstream)

    def not_connected(self, reason):
        self.set_exception(ConnectionError(reason))


@pytest.mark.parametrize("end", ["close", "write", "stay"])
async def test_an_end_that_has_come_but_has_not_been_read_yet_is_seen_when_a_connection_is_taken(end):
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = UpstreamSettings("http", *listener.getsockname())
        pool = Pool(settings, now=loop.time, connect_timeout_s=5, keepalive_s=5, max_head_bytes=1000)
        asking = Asking()
        pool.dial(asking)
        connection = await asking
        pool.give(connection)
        await asyncio.sleep(2 * QUIET_S)
        upstream, _ = listener.accept()
        with upstream:
            if end == "close":
                upstream.close()
            elif end == "write":
                upstream.send(b"HTTP/1.1 408 Too Late\r\n\r\n")
            time.sleep(0.05)  # on purpose: the loop cannot read meanwhile
            assert pool.take() is (connection if end == "stay" else None)
            await pool.close()


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize(
    ("request_bytes", "retry_stale_post", "status"),
    [
        (get(), False, b"200"),
        (post(b"x" * 1000), True, b"200"),
        (post(), False, b"502"),
        (b"PUT / HTTP/1.1\r\nHost: m\r\nContent-Length: 2\r\n\r\nab", False, b"200"),
        (b"PATCH / HTTP/1.1\r\nHost: m\r\nContent-Length: 2\r\n\r\nab", True, b"502"),
    ],
    ids=["GET", "POST allowed", "POST", "PUT", "PATCH"],
)
async def test_a_request_on_a_reused_connection_that_dies_is_sent_again_once_if_it_may(
    request_bytes, retry_stale_post, status, how
):
    async with Scripted(once_then_dies(how)) as upstream:
        with RunningGateway(upstream.port, retry_stale_post=retry_stale_post) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            head, body = await asked(client, request_bytes)
            assert head[9:12] == status
            again = status == b"200"
            assert (body == b"first") is again
            assert len(upstream.wires) == 1 + again
            await gateway.becomes(again, "kilter_upstream_retries_total")


async def test_a_request_is_never_sent_a_third_time_nor_after_a_byte_of_an_answer():
    async def dies(wire):
        if len(upstream.wires) == 1:
            await wire.head()
            await wire.write(ok(b"first"))
        await wire.head()
        wire.reset()

    async with Scripted(dies) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            assert (await asked(client, get()))[0].startswith(b"HTTP/1.1 502 ")
            assert len(upstream.wires) == 2

    async def begins(wire):
        await wire.head()
        await wire.write(ok(b"first"))
        await wire.head()
        await wire.write(b"HTTP/1.1 2")
        await asyncio.sleep(0.02)
        wire.reset()

    async with Scripted(begins) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            assert (await asked(client, get()))[0].startswith(b"HTTP/1.1 502 ")
            assert len(upstream.wires) == 1


async def test_a_body_too_large_to_keep_is_not_sent_again():
    async def dies_late(wire):
        await wire.head()
        await wire.write(ok())
        await wire.head()
        await wire.exactly(3 << 19)

    async with Scripted(dies_late) as upstream:
        with RunningGateway(upstream.port, retry_stale_post=True) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            client.writer.write(post(b"x" * (2 << 20)))
            assert (await client.head()).startswith(b"HTTP/1.1 502 ")
            assert len(upstream.wires) == 1


async def test_an_upload_that_was_half_sent_when_the_reused_connection_died_arrives_whole():
    async def script(wire):
        head = await wire.head()
        await wire.write(ok(await wire.body(head)))
        if len(upstream.wires) == 1:
            await wire.head()
            await wire.exactly(3)
            wire.reset()

    async with Scripted(script) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            await client.write(b"PUT / HTTP/1.1\r\nHost: m\r\nContent-Length: 6\r\n\r\nabc")
            await upstream.wire(1)
            await client.write(b"def")
            assert await client.body(await client.head()) == b"abcdef"


async def test_an_upload_that_was_held_back_when_the_reused_connection_died_goes_on(tmp_path):
    body = b"x" * 900_000

    async def script(wire):
        head = await wire.head()
        if upstream.wires[0] is not wire:
            await wire.write(ok(b"%d" % len(await wire.body(head))))
            return
        await wire.write(ok())
        await wire.head()
        wire.writer.transport.pause_reading()
        await asyncio.sleep(0.2)

    path = str(tmp_path / "model")
    async with Scripted(script, path=path) as upstream:
        with RunningGateway(UpstreamSettings("unix", path)) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            await client.write(b"PUT / HTTP/1.1\r\nHost: m\r\nContent-Length: 900000\r\n\r\n")
            uploading = asyncio.ensure_future(client.write(body))
            assert await client.body(await client.head()) == b"900000"
            await uploading


async def test_an_idle_connection_is_closed_after_its_time():
    async with Scripted(answering(ok())) as upstream:
        with RunningGateway(upstream.port, upstream_keepalive_s=0.1, keepalive_timeout_s=0.4) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            started = time.monotonic()
            await upstream.wires[0].gone()
            assert 0.05 < time.monotonic() - started < 0.5


async def test_stray_bytes_on_an_idle_connection_close_it():
    async def strays(wire):
        await wire.head()
        await wire.write(ok(b"mine"))
        await asyncio.sleep(0.03)
        await wire.write(ok(b"stray"))
        await wire.rest()

    async with Scripted(strays) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await asked(client, get())
            await upstream.wires[0].gone()
            assert (await asked(client, get()))[1] == b"mine"


async def test_an_upstream_that_does_not_accept_in_time_is_a_504():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        fillers = [stack.enter_context(socket.socket()) for _ in range(4)]
        for filler in fillers:  # the kernel drops what does not fit into the backlog
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with Scripted(answering(ok())):
            with RunningGateway(full.getsockname()[1], connect_timeout_s=0.2) as gateway:
                client = await Wire.connect(gateway.port)
                head, _ = await asked(client, post())
                assert head.startswith(b"HTTP/1.1 504 ")
                assert (b"x-kilter-error", b"timeout_connect") in lowered(head)
                await gateway.becomes(1, "kilter_upstream_errors_total", "timeout_connect")


async def test_a_large_upload_while_connecting_is_held_back_not_kept():
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as stack:
        for _ in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        async with Scripted(answering(ok())):
            with RunningGateway(full.getsockname()[1], connect_timeout_s=3) as gateway:
                client = await Wire.connect(gateway.port)
                await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 100000000\r\n\r\n")
                assert await client.write_until_held(b"x" * 100_000) < 16 << 20


async def test_a_unix_socket_is_an_upstream_too(tmp_path):
    async def mirrors(wire):
        while head := await wire.head(30):
            await wire.write(ok(head))

    path = str(tmp_path / "model")
    async with Scripted(mirrors, path=path):
        with RunningGateway(UpstreamSettings("unix", path)) as gateway:
            client = await Wire.connect(gateway.port)
            assert b"Host: model\r\n" in (await asked(client, get()))[1]
            client = await Wire.connect(gateway.port)
            assert b"Host: localhost\r\n" in (await asked(client, b"GET / HTTP/1.0\r\n\r\n"))[1]


async def test_host_and_path_are_rewritten_only_when_told_to():
    async def mirrors(wire):
        while head := await wire.head(30):
            await wire.write(ok(head))

    async with Scripted(mirrors) as upstream:
        settings = UpstreamSettings("http", "127.0.0.1", upstream.port, base_path="/base/", rewrite_host=True)
        with RunningGateway(settings) as gateway:
            client = await Wire.connect(gateway.port)
            _, seen = await asked(client, get("/v1/x?y"))
            assert seen == b"GET /base/v1/x?y HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % upstream.port
            _, seen = await asked(client, b"OPTIONS * HTTP/1.1\r\nHost: m\r\n\r\n")
            assert seen.startswith(b"OPTIONS * HTTP/1.1\r\n")


# TLS


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Files: ca.pem, server.pem, server.key (for localhost), client.pem, client.key."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test-ca", "-days", "2")
    for name in ("server", "client"):
        (folder / "ext").write_text("subjectAltName=DNS:localhost\n")
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-out", f"{name}.pem", "-days", "2", "-extfile", "ext")  # fmt: skip
    return folder


def server_tls(authority, *, ask_client=False):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority / "ca.pem")
    context.load_cert_chain(authority / "server.pem", authority / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED if ask_client else ssl.CERT_NONE
    return context


async def test_an_https_upstream_is_verified_and_shown_the_client_certificate(authority):
    big = b"x" * 3_000_000
    async with Scripted(answering(ok(big)), ssl=server_tls(authority, ask_client=True)) as upstream:
        settings = UpstreamSettings(
            "https",
            "localhost",
            upstream.port,
            ca_file=str(authority / "ca.pem"),
            client_cert_file=str(authority / "client.pem"),
            client_key_file=str(authority / "client.key"),
        )
        with RunningGateway(settings) as gateway:
            client = await Wire.connect(gateway.port)
            for _ in range(3):
                assert (await asked(client, post(big)))[1] == big
            assert len(upstream.wires) == 1


@pytest.mark.parametrize("mistake", ["unknown authority", "wrong name", "no TLS"])
async def test_an_https_upstream_that_cannot_be_trusted_gets_no_request(authority, mistake):
    reached = []

    async def script(wire):
        reached.append(await wire.head())

    tls = None if mistake == "no TLS" else server_tls(authority)
    async with Scripted(script, ssl=tls) as upstream:
        settings = UpstreamSettings(
            "https",
            "127.0.0.1" if mistake == "wrong name" else "localhost",
            upstream.port,
            ca_file="" if mistake == "unknown authority" else str(authority / "ca.pem"),
        )
        with RunningGateway(settings, connect_timeout_s=1.0) as gateway:
            client = await Wire.connect(gateway.port)
            head, _ = await asked(client, post(b"", "Authorization: SECRET"))
            assert head[9:12] in (b"502", b"504")
            if mistake != "no TLS":
                await gateway.becomes(1, "kilter_upstream_errors_total", "tls")
    assert b"SECRET" not in b"".join(reached)
