"""Two models behind one URL."""

import asyncio
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from sidecar.demo.router import Router
from sidecar.demo.upstream import ScriptedUpstream

ASK = {"model": "smollm2", "messages": [{"role": "user", "content": "hi"}]}
CHAT = "/v1/chat/completions"


class RealServer:
    """Stands for the real model: sends a part, waits until it may go on, sends the rest."""

    def __init__(self):
        self.go_on = asyncio.Event()
        self.seen = []
        self.left = asyncio.Event()

    async def answer(self, request):
        self.seen.append((request.headers, await request.read()))
        response = web.StreamResponse(status=207, headers={"content-type": "text/event-stream", "x-real": "yes"})
        await response.prepare(request)
        await response.write(b"data: one\n\n")
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.left.set()
            raise
        await response.write(b"data: two\n\n")
        return response


@asynccontextmanager
async def served():
    real = RealServer()
    app = web.Application()
    app.router.add_post(CHAT, real.answer)
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with ScriptedUpstream(router=Router(url)) as upstream, aiohttp.ClientSession(upstream.url) as http:
            yield upstream, http, real
    finally:
        await runner.cleanup()


async def test_the_real_models_answer_is_passed_on_unchanged_and_not_counted():
    async with served() as (upstream, http, real):
        real.go_on.set()
        async with http.post(CHAT, json=ASK, headers={"x-own": "1"}) as answer:
            body = await answer.read()
        assert (answer.status, answer.headers["x-real"], body) == (207, "yes", b"data: one\n\ndata: two\n\n")
        assert "x-scripted-label" not in answer.headers
        assert real.seen[0][0]["x-own"] == "1"
        assert b"smollm2" in real.seen[0][1]
        assert upstream.exchanges == 0


async def test_a_stream_is_passed_on_while_it_is_still_being_made():
    async with served() as (_, http, real), asyncio.timeout(5), http.post(CHAT, json=ASK) as answer:
        assert await answer.content.readany() == b"data: one\n\n"
        real.go_on.set()
        assert await answer.content.read() == b"data: two\n\n"


async def test_when_the_client_leaves_the_real_server_is_told():
    async with served() as (_, http, real), asyncio.timeout(5):
        answer = await http.post(CHAT, json=ASK)
        await answer.content.readany()
        answer.close()
        await real.left.wait()


async def test_other_models_are_scripted_and_both_are_listed():
    async with served() as (upstream, http, real):
        async with http.post(CHAT, json=ASK | {"model": "scripted"}) as answer:
            assert answer.headers["x-scripted-label"] == "compliance"
        async with http.get("/v1/models") as answer:
            assert [model["id"] for model in (await answer.json())["data"]] == ["scripted", "smollm2"]
        assert (real.seen, upstream.exchanges) == ([], 1)


async def test_a_real_server_that_is_gone_is_a_502():
    gone = Router("http://127.0.0.1:9")
    async with (
        ScriptedUpstream(router=gone) as upstream,
        aiohttp.ClientSession(upstream.url) as http,
        http.post(CHAT, json=ASK) as answer,
    ):
        assert answer.status == 502
