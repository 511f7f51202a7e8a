"""TLS on both sides and unix sockets on both sides, through a whole Kilter, with real certificates."""

import asyncio
import contextlib
import socket
import ssl
import threading
import time

import pytest
from certificates import Authority
from relaying import Scripted, Wire, is_own_error, lowered, ok, post
from running import RunningKilter

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Model:
    """A model server that remembers the heads it saw, by which name and with which certificate it was asked."""

    def __init__(self):
        self.heads = []
        self.named = []
        self.clients = []

    async def __call__(self, wire):
        while head := await wire.head(60):
            certificate = wire.writer.get_extra_info("peercert")
            self.clients.append(dict(part[0] for part in certificate["subject"]) if certificate else None)
            self.heads.append(head)
            await wire.body(head)
            await wire.write(ok(b"over TLS"))

    def remember_name(self, context):
        context.sni_callback = lambda _, name, __: self.named.append(name)
        return context


def settings(**files):
    return {f"KILTER_UPSTREAM_TLS__{name.upper()}": str(file) for name, file in files.items()}


async def asked(kilter, **options):
    where = kilter.url.removeprefix("http://")
    address = where.removeprefix("unix:") if where.startswith("unix:") else int(where.rsplit(":", 1)[1])
    wire = await Wire.connect(address, **options)
    try:
        await wire.write(post())
        head = await wire.head()
        return head, await wire.body(head)
    finally:
        wire.close()


async def test_an_upstream_is_verified_by_the_named_authority_asked_by_its_name_and_the_host_is_the_clients(tmp_path):
    authority, model = Authority(tmp_path), Model()
    context = model.remember_name(authority.serving("localhost"))
    async with Scripted(model, ssl=context) as upstream:
        url = f"https://localhost:{upstream.port}"
        with RunningKilter(url, tmp_path / "plain", env=settings(ca_file=authority.ca_file), wait=False) as kilter:
            assert await asked(kilter) == (ok(b"over TLS").split(b"over")[0], b"over TLS")
        rewriting = {**settings(ca_file=authority.ca_file), "KILTER_RELAY__REWRITE_HOST": "true"}
        with RunningKilter(url, tmp_path / "rewriting", env=rewriting, wait=False) as kilter:
            assert (await asked(kilter))[1] == b"over TLS"
        assert [dict(lowered(head))[b"host"] for head in model.heads] == [
            b"model",
            f"localhost:{upstream.port}".encode(),
        ]
    assert set(model.named) == {"localhost"}


@pytest.mark.parametrize("fault", ["an unknown authority", "another name", "an expired certificate", "no TLS at all"])
async def test_an_upstream_that_cannot_be_verified_is_a_502_of_ours_and_the_log_says_why(fault, tmp_path):
    authority, stranger = Authority(tmp_path), Authority(tmp_path, "stranger")
    context, said = {
        "an unknown authority": (lambda: stranger.serving("localhost"), "unable to get local issuer certificate"),
        "another name": (lambda: authority.serving("elsewhere.example"), "Hostname mismatch"),
        "an expired certificate": (lambda: authority.serving("localhost", days=-1), "certificate has expired"),
        "no TLS at all": (lambda: None, "WRONG_VERSION_NUMBER"),
    }[fault]
    model = Model()

    async def answers_in_plain(wire):
        await wire.reader.read(100)
        await wire.write(ok(b"plain"))

    context = context()
    async with Scripted(model if context else answers_in_plain, ssl=context) as upstream:
        url = f"https://localhost:{upstream.port}"
        with RunningKilter(url, tmp_path / "kilter", env=settings(ca_file=authority.ca_file), wait=False) as kilter:
            head, _ = await asked(kilter)
            assert is_own_error(head, 502, "tls")
            line = kilter.line("TLS with the upstream failed")
            assert said in line["reason"]
            metrics = kilter.metrics()
    assert model.heads == []
    assert metrics.total("kilter_upstream_errors_total", reason="tls") == 1
    assert metrics.total("kilter_captures_total", outcome="sampled") == 0


async def test_a_client_certificate_is_shown_and_its_lack_is_a_502_with_the_reason_in_the_log(tmp_path):
    authority, model = Authority(tmp_path), Model()
    certificate, key = authority.issue("kilter.example")
    async with Scripted(model, ssl=authority.serving("localhost", clients=authority)) as upstream:
        url = f"https://localhost:{upstream.port}"
        env = settings(ca_file=authority.ca_file, client_cert_file=certificate, client_key_file=key)
        with RunningKilter(url, tmp_path / "with", env=env, wait=False) as kilter:
            assert (await asked(kilter))[1] == b"over TLS"
        assert [client["commonName"] for client in model.clients] == ["kilter.example"]
    with Demanding(authority.serving("localhost", clients=authority)) as server:
        url = f"https://localhost:{server.port}"
        with RunningKilter(url, tmp_path / "without", env=settings(ca_file=authority.ca_file), wait=False) as kilter:
            assert is_own_error((await asked(kilter))[0], 502, "tls")
            assert "CERTIFICATE_REQUIRED" in kilter.line("TLS with the upstream failed")["reason"]


class Demanding:
    """A server on a thread that only shakes hands: OpenSSL's own, since asyncio's never sends its last alert."""

    def __init__(self, context):
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, contextlib.suppress(OSError):
                    self._context.wrap_socket(connection, server_side=True).close()


async def test_tls_on_the_listener_carries_streams_event_by_event_and_departures(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("localhost")
    gone = asyncio.Event()
    events = asyncio.Queue()

    async def streams(wire):
        if not (head := await wire.head()):
            return
        await wire.body(head)
        await wire.write(SSE_HEAD)
        for number in range(20):
            await wire.write(b"2\r\n%02d\r\n" % number)
            await asyncio.wait_for(events.get(), 5)
        await wire.rest(30)
        gone.set()

    tls = {"KILTER_TLS__CERT_FILE": str(certificate), "KILTER_TLS__KEY_FILE": str(key)}
    env = {**settings(ca_file=authority.ca_file), **tls}
    async with Scripted(streams, ssl=authority.serving("localhost")) as upstream:
        with RunningKilter(f"https://localhost:{upstream.port}", tmp_path / "kilter", env=env, wait=False) as kilter:
            port = int(kilter.url.rsplit(":", 1)[1])
            client = await Wire.connect(port, ssl=authority.trusted(), server_hostname="localhost")
            assert client.writer.get_extra_info("ssl_object").version() == "TLSv1.3"
            await client.write(post())
            await client.head()
            for number in range(20):
                assert await client.exactly(7, 5) == b"2\r\n%02d\r\n" % number
                events.put_nowait(number)
            left_s = time.monotonic()
            client.writer.transport.abort()
            await asyncio.wait_for(gone.wait(), 2)
            assert time.monotonic() - left_s < 0.1
            with pytest.raises(ssl.SSLCertVerificationError):
                await Wire.connect(port, ssl=ssl.create_default_context(), server_hostname="localhost")


async def test_unix_sockets_serve_on_both_sides(tmp_path):
    model = Model()
    async with Scripted(model, path=str(tmp_path / "model.sock")):
        listen = f"unix:{tmp_path / 'kilter.sock'}"
        with RunningKilter(
            f"unix:{tmp_path / 'model.sock'}", tmp_path / "kilter", "--listen", listen, wait=False
        ) as kilter:
            assert kilter.url == f"http://{listen}"
            assert (await asked(kilter))[1] == b"over TLS"
    assert dict(lowered(model.heads[0]))[b"host"] == b"model"
