"""Real proxies in front of Kilter: nginx with its default HTTP/1.0 and with 1.1, HAProxy, Envoy."""

import asyncio
import time

import pytest
from fronts import FRONTS, front
from relaying import Scripted, Wire, lowered, ok, post
from running import RunningKilter

SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
PROMPT = b'{"model":"m","messages":[{"role":"user","content":"Tell me about the sea."}]}'
BIG = bytes(range(256)) * 4096  # 1 MiB


class Model:
    """Answers by path: ``/stream`` waits for a confirmation after each event, ``/hang`` never begins, else echoes."""

    def __init__(self):
        self.confirmed = asyncio.Queue()
        self.asked = asyncio.Event()
        self.left_s = 0.0

    async def __call__(self, wire):
        while head := await wire.head(60):
            path = head.split(b" ")[1]
            body = await wire.body(head)
            self.asked.set()
            if path == b"/v1/hang":
                await self._left(wire)
                return
            if path == b"/v1/chat/completions":
                await wire.write(SSE_HEAD)
                for number in range(20):
                    event = b"data: %d\n\n" % number
                    await wire.write(b"%x\r\n%b\r\n" % (len(event), event))
                    if await asyncio.wait_for(self.confirmed.get(), 10) == "leave":
                        await self._left(wire)
                        return
                await wire.write(b"0\r\n\r\n")
            else:
                await wire.write(ok(body, "X-Seen: 1", "x-seen: 2"))

    async def _left(self, wire):
        await wire.rest(60)
        self.left_s = time.monotonic()


async def event(client, number, *, chunked):
    expected = b"data: %d\n\n" % number
    if chunked:
        expected = b"%x\r\n%b\r\n" % (len(expected), expected)
    assert (await client.exactly(len(expected), 5)).lower() == expected.lower()


@pytest.mark.parametrize("name", FRONTS)
async def test_behind_a_real_proxy_bodies_are_whole_events_do_not_wait_and_departures_reach_the_model(name, tmp_path):
    model = Model()
    async with Scripted(model) as upstream:
        with (
            RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path, wait=False) as kilter,
            front(name, int(kilter.url.rsplit(":", 1)[1]), tmp_path) as port,
        ):
            client = await Wire.connect(port)
            for _ in range(3):
                await client.write(post(BIG, target="/v1/files"))
                head = await client.head(10)
                assert head.startswith(b"HTTP/1.1 200 ")
                assert [value for key, value in lowered(head) if key == b"x-seen"] in ([b"1", b"2"], [b"1,2"])
                assert await (client.body(head) if b"ontent-" in head or b"hunked" in head else client.rest()) == BIG

            await client.write(post(PROMPT))
            chunked = (b"transfer-encoding", b"chunked") in lowered(await client.head(10))
            for number in range(20):
                await event(client, number, chunked=chunked)
                model.confirmed.put_nowait("seen")
            if chunked:
                assert await client.exactly(5) == b"0\r\n\r\n"

            client = await Wire.connect(port)  # leaves in a stream
            await client.write(post(PROMPT))
            await client.head(10)
            await event(client, 0, chunked=chunked)
            model.confirmed.put_nowait("leave")
            await gone_soon(client, model)

            client = await Wire.connect(port)  # leaves before the first byte
            model.asked.clear()
            await client.write(post(PROMPT, target="/v1/hang"))
            await asyncio.wait_for(model.asked.wait(), 10)
            await gone_soon(client, model)
            metrics = kilter.until(lambda seen: seen.total("kilter_client_disconnects_total") == 2)
    assert metrics.total("kilter_client_disconnects_total") == 2
    assert metrics.total("kilter_requests_total", protocol="openai.chat", status_class="2xx") == 2


async def gone_soon(client, model):
    model.left_s = 0.0
    left_s = time.monotonic()
    client.close()
    async with asyncio.timeout(5):
        while not model.left_s:
            await asyncio.sleep(0.005)
    assert model.left_s - left_s < 1.0
