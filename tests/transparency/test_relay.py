"""The promise on real sockets: what client and model server see of each other is the same with and without us.

The table of faults is in ``faults``; here it plays through a gateway alone, in this process.
``test_monitor_states.py`` plays it through a whole Kilter whose monitor is in every kind of trouble.
"""

import pytest
from faults import FAULTS, SSE_HEAD, Faulty, play
from relaying import HOP_BY_HOP, RunningGateway, Scripted, Wire, get, lowered, ok


class Watching:
    """An observer that looks at everything."""

    def begin(self, *what):
        self.last = what
        return self

    request_body = request_sent = response_head = response_body = end = begin


@pytest.mark.parametrize("observer", [None, Watching()], ids=["unobserved", "observed"])
@pytest.mark.parametrize("name", FAULTS)
async def test_both_sides_see_the_same_with_and_without_the_gateway(name, observer):
    async with Faulty() as upstream:
        direct = await play(upstream.port, name, upstream)
        with RunningGateway(upstream.port, observer=observer) as gateway:
            through = await play(gateway.port, name, upstream)
    assert through == direct
    assert direct[0][0][0][0] == FAULTS[name].request.split(b"\r\n")[0]


async def test_each_event_leaves_the_gateway_before_the_next_one_comes():
    received = []

    async def stepwise(wire):
        await wire.head()
        await wire.write(SSE_HEAD)
        for number in range(20):
            await wire.write(b"2\r\n%02d\r\n" % number)
            received.append(await wire.exactly(1))  # goes on only when the client has seen the event
        await wire.write(b"0\r\n\r\n")

    async with Scripted(stepwise) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(b"POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1000\r\n\r\n")
            await client.head()
            for number in range(20):
                assert await client.exactly(7) == b"2\r\n%02d\r\n" % number
                await client.write(b"x")
            assert await client.exactly(5) == b"0\r\n\r\n"
    assert len(received) == 20


async def test_headers_of_one_connection_stay_on_it_in_both_directions():
    asked = get("/", "Connection: keep-alive, X-Mine", "X-Mine: 1", "Keep-Alive: timeout=5", "TE: trailers",
                "Proxy-Connection: x", "Proxy-Authorization: secret", "X-Kept: 1")  # fmt: skip
    answer = ok(b"", "Connection: X-Theirs, host", "x-theirs: 1", "Keep-Alive: timeout=5", "Proxy-Authenticate: x",
                "Trailer: x", "X-Kept: 2", "Host: kept")  # fmt: skip
    seen_upstream = []

    async def keeps_the_head(wire):
        seen_upstream.append(await wire.head())
        await wire.write(answer)

    async with Scripted(keeps_the_head) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(asked)
            head = await client.head()
    stays = {*HOP_BY_HOP, b"x-mine", b"x-theirs", b"proxy-authorization", b"proxy-authenticate"}
    for seen in (head, seen_upstream[0]):
        assert not stays.intersection(dict(lowered(seen)))
        assert b"x-kept" in dict(lowered(seen))
    assert (b"host", b"kept") in lowered(head)
