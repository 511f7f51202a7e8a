"""A model server of a test's own, on a real socket: what it answers is the test's to say."""

from __future__ import annotations

import json

from aiohttp import web


def said(text, *, usage=None, finish="stop", calls=(), status=200, **named):
    """A whole answer of Chat Completions. ``usage``: (prompt, completion) tokens; ``calls``: (name, arguments) of each."""
    message = {"role": "assistant", "content": text}
    if calls:
        message["tool_calls"] = [
            {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(calls)
        ]
    document = {**named, "choices": [{"index": 0, "message": message, "finish_reason": finish}]}
    if usage:
        document["usage"] = {"prompt_tokens": usage[0], "completion_tokens": usage[1]}
    return web.json_response(document, status=status)


class ChatServer:
    """``async with ChatServer() as server``: serves Chat Completions at ``server.url``, and a list of models where ``listed`` is one.

    A subclass answers in ``chat``, or has ``routes`` of its own.
    """

    listed = None

    async def __aenter__(self):
        app = web.Application(client_max_size=1 << 24)
        app.add_routes(self.routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    def routes(self):
        models = [web.get("/v1/models", self._models)] if self.listed is not None else []
        return [web.post("/v1/chat/completions", self._chat), *models]

    async def chat(self, request, body):
        """The response to one request, whose JSON is ``body``."""
        raise NotImplementedError

    async def _chat(self, request):
        return await self.chat(request, json.loads(await request.read()))

    async def _models(self, _):
        return web.json_response({"data": self.listed})
