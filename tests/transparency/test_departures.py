"""Through a whole Kilter: who leaves frees the model server at once, and no event waits for the next."""

import asyncio
import time

from relaying import Scripted, Wire, post
from running import RunningKilter

CLIENTS = 1000
AT_ONCE = 50
LIMIT_S = 0.1
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"stream":true}'


async def test_each_of_1000_departures_reaches_the_model_server_within_100_ms_half_of_them_in_prefill(tmp_path):
    left_s, reached_s = {}, {}

    async def model(wire):
        if not (head := await wire.head()):
            return
        name = head.split(b" ")[1].rsplit(b"/", 1)[1]
        await wire.body(head)
        if int(name) % 2:
            await wire.write(SSE_HEAD + b"6\r\ndata: \r\n")
        await wire.rest(60)  # an orderly end or a reset, whichever the relay chose
        reached_s[name] = time.monotonic()

    async with Scripted(model) as upstream:
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path, "--workers", "2") as kilter:
            port = int(kilter.url.rsplit(":", 1)[1])
            for first in range(0, CLIENTS, AT_ONCE):
                names = [b"%d" % number for number in range(first, first + AT_ONCE)]
                clients = [await Wire.connect(port) for _ in names]
                for name, client in zip(names, clients, strict=True):
                    await client.write(post(BODY, target=f"/v1/chat/completions/{name.decode()}"))
                for name, client in zip(names, clients, strict=True):
                    if int(name) % 2:
                        await client.head()
                while len(upstream.wires) < first + AT_ONCE:
                    await asyncio.sleep(0.002)
                await asyncio.sleep(0.02)  # those in prefill have reached the model server, too
                for name, client in zip(names, clients, strict=True):
                    left_s[name] = time.monotonic()
                    if int(name) % 4 < 2:
                        client.close()
                    else:
                        client.reset()
                async with asyncio.timeout(5):
                    while len(reached_s) < first + AT_ONCE:
                        await asyncio.sleep(0.002)
            metrics = kilter.until(lambda seen: seen.total("kilter_client_disconnects_total") == CLIENTS)
    took = sorted(reached_s[name] - at_s for name, at_s in left_s.items())
    print(f"\n{len(took)} departures: median {1000 * took[500]:.1f} ms, longest {1000 * took[-1]:.1f} ms")
    assert len(took) == CLIENTS
    assert sum(one < LIMIT_S for one in took) == CLIENTS
    assert metrics.total("kilter_client_disconnects_total") == CLIENTS
    assert metrics.total("kilter_inflight_requests") == 0
    assert metrics.total("kilter_open_connections") == 0


async def test_no_event_of_a_stream_waits_for_the_next_one(tmp_path):
    """The model server sends an event only when the client has confirmed the one before, over a line of its own."""
    confirmed = asyncio.Queue()

    async def model(wire):
        await wire.body(await wire.head())
        await wire.write(SSE_HEAD)
        for number in range(200):
            event = b"data: %d\n\n" % number
            await wire.write(b"%x\r\n%b\r\n" % (len(event), event))
            assert await asyncio.wait_for(confirmed.get(), 5) == number
        await wire.write(b"0\r\n\r\n")

    async with Scripted(model) as upstream:
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", tmp_path) as kilter:
            client = await Wire.connect(int(kilter.url.rsplit(":", 1)[1]))
            await client.write(post(BODY))
            await client.head()
            for number in range(200):
                event = b"data: %d\n\n" % number
                assert await client.exactly(len(event) + 5, 5) == b"%x\r\n%b\r\n" % (len(event), event)
                confirmed.put_nowait(number)
            assert await client.exactly(5) == b"0\r\n\r\n"
