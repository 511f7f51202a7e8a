"""Kilters on hosts of their own, between clients and a model server that know each other only through them.

pytest -m slow tests/deploy/test_hosts.py -s      # 500 streams through a rolling restart of two Kilters
"""

import asyncio
import contextlib
import http.client
import itertools
import threading
import time

import pytest
from hosts import Hosts
from running import RunningKilter

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'
REQUEST = (
    b"POST /v1/chat/completions HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b"
) % (len(BODY), BODY)
DRAIN_S = 60


def event(number):
    data = b'data: {"n": %d}\n\n' % number
    return b"%x\r\n%b\r\n" % (len(data), data)


def whole(events):
    return HEAD + b"".join(map(event, range(events))) + b"0\r\n\r\n"


class Model:
    """On its own host: answers every request with ``events`` events, one each ``pause_s``."""

    def __init__(self, hosts, events, pause_s):
        self.hosts, self.events, self.pause_s = hosts, events, pause_s
        self.peers = set()
        self._listening = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def _run(self):
        self.hosts.move("server")
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(self._answer, "0.0.0.0", 8000, backlog=1024):
            self._listening.set()
            await self._over.wait()

    async def _answer(self, reader, writer):
        self.peers.add(writer.get_extra_info("peername")[0])
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                await reader.readexactly(len(BODY))
                writer.write(HEAD)
                for number in range(self.events):
                    writer.write(event(number))
                    await writer.drain()
                    await asyncio.sleep(self.pause_s)
                writer.write(b"0\r\n\r\n")
        writer.close()


async def stream(address):
    """All bytes of an answer, or the name of what went wrong."""
    try:
        reader, writer = await asyncio.open_connection(address, 9400)
        writer.write(REQUEST)
        answer = await reader.read(-1)
        writer.close()
    except OSError as error:
        return type(error).__name__
    head, _, body = answer.partition(b"\r\n\r\n")
    return HEAD + body if head.startswith(b"HTTP/1.1 200 ") else head


def ready(address):
    connection = http.client.HTTPConnection(address, 9401, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Site:
    """A client's host, ``kilters`` hosts with a Kilter each, and the model's host; each Kilter is linked with both others."""

    def __init__(self, directory, kilters, events, pause_s):
        self.directory, self.events, self.pause_s = directory, events, pause_s
        self.addresses = {f"kilter{number}": f"10.77.{number}.2" for number in range(kilters)}
        self.servers = {f"kilter{number}": f"10.77.{100 + number}.2" for number in range(kilters)}
        self.up = {}
        self._starts = itertools.count()
        self._running = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as running:
            self.hosts = running.enter_context(Hosts("client", "server", *self.addresses))
            for name, address in self.addresses.items():
                self.hosts.link("client", address[:-1] + "1", name, address)
                self.hosts.link(name, self.servers[name][:-1] + "1", "server", self.servers[name])
            self.model = running.enter_context(Model(self.hosts, self.events, self.pause_s))
            for name in self.addresses:
                self.up[name] = running.enter_context(self.start(name))
            self._running = running.pop_all()
        return self

    def __exit__(self, *_):
        self._running.close()

    def start(self, name):
        kilter = RunningKilter(
            f"http://{self.servers[name]}:8000",
            self.directory / f"{name}-{next(self._starts)}",
            *("--listen", "0.0.0.0:9400", "--admin", "0.0.0.0:9401"),
            env={"KILTER_DRAIN_S": str(DRAIN_S)},
            wait=False,
        )
        kilter.argv = self.hosts.command(name, *kilter.argv)
        return kilter

    def replace(self, name):
        """Another Kilter where the last one has ended."""
        self.up[name] = self._running.enter_context(self.start(name))

    def as_client(self, work):
        """What ``work()`` gives on the client's host."""
        given = []

        def run():
            self.hosts.move("client")
            given.append(work())

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        return given[0]

    async def until_ready(self, name):
        deadline = time.monotonic() + 30
        while not await asyncio.to_thread(self.as_client, lambda: ready(self.addresses[name])):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


def test_streams_between_hosts_are_finished_by_a_kilter_that_drains(tmp_path):
    async def clients(site):
        with pytest.raises(OSError, match="unreachable"):  # the model is nobody's neighbour here
            await asyncio.open_connection(site.servers["kilter0"], 8000)
        await site.until_ready("kilter0")
        streams = [asyncio.ensure_future(stream(site.addresses["kilter0"])) for _ in range(60)]
        await asyncio.sleep(1.0)
        site.up["kilter0"].process.terminate()
        return await asyncio.gather(*streams)

    with Site(tmp_path, kilters=1, events=30, pause_s=0.1) as site:
        assert site.as_client(lambda: asyncio.run(clients(site))) == [whole(30)] * 60
        assert site.up["kilter0"].process.wait(20) == 0
        assert site.model.peers == {"10.77.100.1"}


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_rolling_restart_of_two_hosts_breaks_none_of_500_streams_and_refuses_nobody(tmp_path):
    late, drains_s = [], []

    async def clients(site):
        serving = dict(site.addresses)
        turn = itertools.count()

        def ask():  # as a Service does: of those that are ready, one after the other
            return asyncio.ensure_future(stream(list(serving.values())[next(turn) % len(serving)]))

        for name in site.addresses:
            await site.until_ready(name)
        streams = [ask() for _ in range(500)]
        await asyncio.sleep(1.0)
        assert not any(one.done() for one in streams)
        for name in site.addresses:
            address = serving.pop(name)
            await asyncio.sleep(1.0)  # preStop: who was sent here before arrives
            site.up[name].process.terminate()
            stopped = time.monotonic()
            while site.up[name].process.poll() is None:
                late.append(ask())
                await asyncio.sleep(0.1)
            drains_s.append(time.monotonic() - stopped)
            assert site.up[name].process.returncode == 0, site.up[name].log()
            await asyncio.to_thread(site.replace, name)
            await site.until_ready(name)
            serving[name] = address
            streams += [ask() for _ in range(250)]
        ends = await asyncio.gather(*streams)
        late[:] = await asyncio.gather(*late)
        return ends

    with Site(tmp_path, kilters=2, events=40, pause_s=0.4) as site:
        ends = site.as_client(lambda: asyncio.run(clients(site)))
    print(f"\n{len(ends)} streams, {len(late)} more during the drains, which took {[round(s, 1) for s in drains_s]} s")
    assert [end for end in ends if end != whole(40)] == []
    assert [end for end in late if end != whole(40)] == []
    assert len(ends) == 1000
    assert len(late) > 100
    assert max(drains_s) < DRAIN_S
