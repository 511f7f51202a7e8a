"""Upgrades: raw bytes both ways after 101, ordinary HTTP without it."""

from relaying import RunningGateway, Scripted, Wire, answering, get, lowered, ok, post

UPGRADE = (
    b"GET /v1/realtime?model=x HTTP/1.1\r\nHost: m\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: a2V5\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: yes\r\n\r\n"


async def test_a_websocket_becomes_a_tunnel_of_untouched_bytes():
    async def switches(wire):
        fields = dict(lowered(await wire.head()))
        assert fields[b"upgrade"] == b"websocket"
        assert fields[b"connection"].lower() == b"upgrade"
        assert fields[b"sec-websocket-extensions"] == b"permessage-deflate"
        await wire.write(SWITCH + b"\x81\x05hello")
        assert await wire.exactly(15) == b"early" + b"\r\n\r\nGET / "
        await wire.write(b"x" * 3_000_000)
        assert await wire.rest() == (b"bye", "eof")
        await wire.write(b"closing")
        wire.close()

    async with Scripted(switches) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(UPGRADE + b"early")
            assert await client.head() == SWITCH
            assert await client.exactly(7) == b"\x81\x05hello"
            await client.write(b"\r\n\r\nGET / ")
            assert await client.exactly(3_000_000) == b"x" * 3_000_000
            await client.write(b"bye")
            client.writer.write_eof()
            assert await client.rest() == (b"closing", "eof")
            await gateway.becomes(1, "kilter_requests_total", "opaque", "1xx")
            await gateway.becomes(0, "kilter_inflight_requests")
            await gateway.becomes(0, "kilter_open_connections")


async def test_the_end_of_either_side_of_a_tunnel_ends_the_other():
    async def switches(wire):
        await wire.head()
        await wire.write(SWITCH)
        await wire.rest(30)

    async with Scripted(switches) as upstream:
        with RunningGateway(upstream.port) as gateway:
            for number, end in enumerate(("client leaves", "upstream leaves", "client resets", "upstream resets")):
                client = await Wire.connect(gateway.port)
                await client.write(UPGRADE)
                await client.head()
                wire = await upstream.wire(number)
                who = client if end.startswith("client") else wire
                who.close() if end.endswith("leaves") else who.reset()
                if who is client:
                    assert await wire.gone() < 0.5
                else:
                    await client.rest(0.5)
                    client.close()
                await gateway.becomes(0, "kilter_open_connections")


async def test_a_refused_upgrade_is_an_ordinary_answer():
    async with Scripted(answering(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno")) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(UPGRADE + get("/next"))
            for _ in range(2):
                assert await client.body(await client.head()) == b"no"


async def test_an_offer_of_h2c_is_left_out_and_the_request_served():
    async def mirrors(wire):
        head = await wire.head()
        await wire.write(ok(head + await wire.body(head)))

    async with Scripted(mirrors) as upstream:
        with RunningGateway(upstream.port) as gateway:
            client = await Wire.connect(gateway.port)
            await client.write(
                post(b"body", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
            )
            seen = await client.body(await client.head())
            assert seen.endswith(b"body")
            assert not {b"upgrade", b"http2-settings", b"connection"}.intersection(dict(lowered(seen[:-4])))
