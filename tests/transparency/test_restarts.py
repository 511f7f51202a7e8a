"""Workers that are replaced or killed under load: who loses what."""

import asyncio
import itertools
import os
import signal
import time

import psutil
import pytest
from certificates import Authority
from relaying import Scripted, Wire, lowered, post
from running import RunningKilter

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b"6\r\ndata: \r\n"
WHOLE_STREAM = EVENT * 60 + b"0\r\n\r\n"
STREAM = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'
WHOLE = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'


async def model(wire):
    """JSON at once; a stream of 60 events over 1.5 seconds for who asks for one."""
    while head := await wire.head(60):
        body = await wire.body(head)
        if b"true" in body:
            await wire.write(SSE_HEAD)
            for _ in range(60):
                await wire.write(EVENT)
                await asyncio.sleep(0.025)
            await wire.write(b"0\r\n\r\n")
        else:
            await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")


class KeptAlive:
    """Clients that ask one request after the other on connections they keep, as SDKs do."""

    def __init__(self, port):
        self.port = port
        self.served = 0
        self.lost = []
        self.going = True

    async def client(self, pause_s):
        wire = None
        while self.going:
            try:
                wire = wire or await Wire.connect(self.port)
                await wire.write(post(WHOLE))
                head = await wire.head()
                body = await wire.body(head)
                if (head[9:12], body) != (b"200", b"ok"):
                    self.lost.append(head[:60])
                self.served += 1
                if (b"connection", b"close") in lowered(head):
                    wire.close()
                    wire = None
            except (OSError, EOFError, TimeoutError) as error:
                self.lost.append(type(error).__name__)
                wire = None
            await asyncio.sleep(pause_s)
        if wire is not None:
            wire.close()


async def stream(port, wire=None):
    wire = wire or await Wire.connect(port)
    wire.port = wire.writer.get_extra_info("sockname")[1]
    await wire.write(post(STREAM))
    try:
        return await wire.chunked() if await wire.head() else "cut"
    except (OSError, EOFError, ValueError) as error:
        return type(error).__name__
    finally:
        wire.close()


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
async def test_replacing_the_workers_under_load_loses_no_request_and_no_stream(workers, tmp_path):
    async with Scripted(model) as upstream:
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path, "--workers", str(workers)) as kilter:
            load = KeptAlive(int(kilter.url.rsplit(":", 1)[1]))
            pauses = itertools.cycle([0.0, 0.003, 0.01, 0.05, 0.3, 2.0])
            clients = [asyncio.ensure_future(load.client(next(pauses))) for _ in range(24)]
            streams = [asyncio.ensure_future(stream(load.port)) for _ in range(20)]
            await asyncio.sleep(0.2)
            before = kilter.pids("sidecar.gateway")
            kilter.process.send_signal(signal.SIGUSR2)
            ready = []
            deadline = time.monotonic() + 40
            while time.monotonic() < deadline:
                ready.append((await asyncio.to_thread(kilter.get, "/readyz"))[0])
                if sum(line["message"] == "a worker was replaced" for line in kilter.lines()) == workers:
                    break
                await asyncio.sleep(0.05)
            after = kilter.pids("sidecar.gateway")
            streams += [asyncio.ensure_future(stream(load.port)) for _ in range(5)]
            ends = await asyncio.gather(*streams)
            load.going = False
            await asyncio.gather(*clients)
            metrics = kilter.metrics()
    print(f"\n{workers} workers: {load.served} requests, {len(load.lost)} lost, {len(ends)} streams")
    assert load.lost == []
    assert load.served > 1000
    assert ends == [WHOLE_STREAM] * 25
    assert len(after) == workers
    assert not set(before) & set(after)
    assert set(ready) == {200}
    assert metrics.total("kilter_requests_total") == load.served + 25
    assert metrics.total("kilter_inflight_requests") == 0
    assert metrics.total("kilter_process_restarts_total") == 0


async def test_a_worker_that_does_not_come_up_replaces_nobody(tmp_path):
    authority = Authority(tmp_path)
    certificate, key = authority.issue("localhost")
    env = {"KILTER_TLS__CERT_FILE": str(certificate), "KILTER_TLS__KEY_FILE": str(key)}
    async with Scripted(model) as upstream:
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path, env=env) as kilter:
            before = kilter.pids("sidecar.gateway")
            certificate.write_text("broken")
            kilter.process.send_signal(signal.SIGUSR2)
            await asyncio.to_thread(
                kilter.until, lambda _: kilter.line("a new worker does not accept: the old ones stay"), 20
            )
            assert kilter.line("a new worker does not accept: the old ones stay")["child"] == "worker-0"
            assert kilter.pids("sidecar.gateway") == before
            assert kilter.get("/readyz")[0] == 200
            wire = await Wire.connect(
                int(kilter.url.rsplit(":", 1)[1]), ssl=authority.trusted(), server_hostname="localhost"
            )
            await wire.write(post(WHOLE))
            assert await wire.body(await wire.head()) == b"ok"
            wire.close()

            authority.issue("localhost")  # repaired: the next attempt succeeds, in the same spare slot
            kilter.process.send_signal(signal.SIGUSR2)
            await asyncio.to_thread(kilter.until, lambda _: kilter.line("a worker was replaced"), 20)
            assert kilter.pids("sidecar.gateway") != before
            wire = await Wire.connect(
                int(kilter.url.rsplit(":", 1)[1]), ssl=authority.trusted(), server_hostname="localhost"
            )
            await wire.write(post(WHOLE))
            assert await wire.body(await wire.head()) == b"ok"


async def test_a_stop_while_workers_are_being_replaced_lets_streams_finish_and_leaves_no_process(tmp_path):
    async with Scripted(model) as upstream:
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path, wait=False) as kilter:
            going = asyncio.ensure_future(stream(int(kilter.url.rsplit(":", 1)[1])))
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_inflight_requests") == 1)
            kilter.process.send_signal(signal.SIGUSR2)
            await asyncio.to_thread(kilter.until, lambda _: len(kilter.pids("sidecar.gateway")) == 2)
            family = kilter.children()
            kilter.process.send_signal(signal.SIGTERM)
            assert await going == WHOLE_STREAM
            assert await asyncio.to_thread(kilter.process.wait, 20) == 0
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in family)


async def test_a_killed_worker_takes_only_what_it_was_serving(tmp_path):
    async with Scripted(model) as upstream:
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path, "--workers", "2") as kilter:
            port = int(kilter.url.rsplit(":", 1)[1])
            wires = [await Wire.connect(port) for _ in range(40)]
            streams = [asyncio.ensure_future(stream(port, wire)) for wire in wires]
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_inflight_requests") == 40)
            victim = max(kilter.pids("sidecar.gateway"), key=lambda pid: len(clients_of(pid, port)))
            os.kill(victim, signal.SIGSTOP)  # so that what it serves stays as it is seen
            theirs = clients_of(victim, port)
            os.kill(victim, signal.SIGKILL)
            later = [asyncio.ensure_future(stream(port)) for _ in range(10)]
            ends = await asyncio.gather(*streams)
            assert set(await asyncio.gather(*later)) == {WHOLE_STREAM}
            back = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_process_up") == 4)
    lost = {wire.port for wire, end in zip(wires, ends, strict=True) if end != WHOLE_STREAM}
    assert theirs
    assert lost
    assert lost <= theirs
    assert back.total("kilter_process_restarts_total") == 1
    assert back.total("kilter_inflight_requests") == 0


def clients_of(pid, port):
    """Ports of the clients whose connections a worker holds."""
    links = psutil.Process(pid).net_connections("tcp")
    return {link.raddr.port for link in links if link.laddr.port == port and link.raddr}
