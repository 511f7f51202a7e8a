"""A model server that does what its script says, and tells the truth about it.

It speaks OpenAI Chat Completions (``/v1/chat/completions``) and Anthropic Messages
(``/v1/messages``), in one piece and streamed, and serves ``/v1/models`` and ``/health``.
It listens on 127.0.0.1 only. ``max_tokens`` is ignored: an answer cut to its disclaimer
would no longer be what its label says.

* Every answer carries ``x-scripted-label``, the truth, one label a choice, and
  ``x-scripted-exchange``, its number.
* Equal requests get equal bytes where they ask for it: a request header
  ``x-scripted-exchange: <k>`` gives the answer of exchange k and moves no counter; a
  request with ``seed`` gets an answer that follows from its content.
* ``POST /_script`` takes ``{"phase": {...}}``, in force from the next exchange where it
  names none, or ``{"script": {...}}``, a whole new script. ``GET /_stats`` counts.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter, deque
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, BinaryIO, Self

import click
import orjson
import uvloop
from aiohttp import web
from pydantic import TypeAdapter, ValidationError

from sidecar.demo import anthropic_messages, openai_chat
from sidecar.demo.asked import Asked, BadRequestError
from sidecar.demo.attempts import Attempts
from sidecar.demo.delivery import Delivery, Timing
from sidecar.demo.router import Router
from sidecar.demo.script import Outcome, Phase, Script
from sidecar.demo.wire_format import CREATED, WireFormat

LABEL_HEADER = "x-scripted-label"
EXCHANGE_HEADER = "x-scripted-exchange"
FORMATS = (openai_chat.FORMAT, anthropic_messages.FORMAT)
MAX_BODY_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came in."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class ScriptedUpstream:
    """``async with ScriptedUpstream(script) as upstream:`` serves at ``upstream.url``.

    ``received`` keeps the last ``keep_requests`` requests. With ``router`` the requests for
    its model are answered by the real server.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        port: int = 0,
        timing: Timing | None = None,
        router: Router | None = None,
        keep_requests: int = 0,
    ) -> None:
        self.script = script or Script()
        self.timing = timing or Timing()
        self.received: deque[Received] = deque(maxlen=keep_requests)
        self.exchanges = 0
        self.labels: Counter[str] = Counter()
        self.streams_open = 0
        self.aborted = 0
        self.url = ""
        self._port = port
        self._router = router
        self._attempts = Attempts()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        if self._router:
            await self._stack.enter_async_context(self._router)
        app = web.Application(client_max_size=MAX_BODY_BYTES)
        for wire_format in FORMATS:
            app.router.add_post(wire_format.path, self._handler(wire_format))
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/health", self._health)
        app.router.add_post("/_script", self._change)
        app.router.add_get("/_stats", self._stats)
        # Cancelling tells at once that a client has left, in a stall too.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await runner.setup()
        self._stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", self._port)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def stats(self) -> dict[str, Any]:
        """Exchanges answered by the script, answers by label, clients that left before the end, open streams."""
        return {
            "exchanges": self.exchanges,
            "labels": dict(self.labels),
            "aborted": self.aborted,
            "streams_open": self.streams_open,
        }

    def begin_phase(self, phase: dict[str, Any]) -> int:
        """Puts a phase in force, from the next exchange where it names none; returns that number.

        ValueError names the key that is wrong.
        """
        parsed = TypeAdapter(Phase).validate_python({"from_exchange": self.exchanges, **phase})
        self.script = self.script.with_phase(parsed)
        return parsed.from_exchange

    def _handler(self, wire_format: WireFormat) -> Any:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            if self.received.maxlen:
                self.received.append(Received(request.path_qs, tuple(request.headers.items()), body))
            try:
                parsed = _object(body)
                if self._router and parsed.get("model") == self._router.model:
                    return await self._router.forward(request, body)
                asked = wire_format.read(parsed)
                exchange = self._exchange(request)
            except BadRequestError as error:
                body = wire_format.error(400, str(error))
                return web.Response(status=400, body=body, content_type="application/json")
            attempt = self._attempts.number(asked.user, asked.prompt) if EXCHANGE_HEADER not in request.headers else 1
            outcome = self.script.outcome(asked, exchange, attempt)
            self.labels.update(outcome.labels)
            return await self._answer(request, wire_format, asked, outcome, exchange)

        return handle

    def _exchange(self, request: web.Request) -> int:
        pinned = request.headers.get(EXCHANGE_HEADER)
        if pinned is None:
            self.exchanges += 1
            return self.exchanges - 1
        if not pinned.isascii() or not pinned.isdigit():
            raise BadRequestError(f"need a whole number in {EXCHANGE_HEADER}")
        return int(pinned)

    async def _answer(
        self, request: web.Request, wire_format: WireFormat, asked: Asked, outcome: Outcome, exchange: int
    ) -> web.StreamResponse:
        delivery = Delivery.of(wire_format, asked, outcome)
        headers = {LABEL_HEADER: ",".join(outcome.labels), EXCHANGE_HEADER: str(exchange)}
        self.streams_open += delivery.streamed
        try:
            return await delivery.send(request, headers, self.timing)
        except (ConnectionError, asyncio.CancelledError):
            self.aborted += 1
            raise
        finally:
            self.streams_open -= delivery.streamed

    async def _change(self, request: web.Request) -> web.Response:
        try:
            change = orjson.loads(await request.read())
            if set(change) == {"script"}:
                self.script = Script.from_json(change["script"])
                return web.json_response({"from_exchange": 0})
            if set(change) == {"phase"}:
                return web.json_response({"from_exchange": self.begin_phase(change["phase"])})
        except ValidationError as error:
            keys = sorted({".".join(map(str, problem["loc"])) or "phase" for problem in error.errors()})
            return web.json_response({"error": f"wrong: {', '.join(keys)}"}, status=400)
        except (orjson.JSONDecodeError, TypeError):
            pass
        return web.json_response({"error": 'need {"phase": {...}} or {"script": {...}}'}, status=400)

    async def _models(self, _: web.Request) -> web.Response:
        names = ["scripted", *([self._router.model] if self._router else [])]
        data = [{"id": name, "object": "model", "created": CREATED, "owned_by": "kilter-demo"} for name in names]
        return web.json_response({"object": "list", "data": data})

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _stats(self, _: web.Request) -> web.Response:
        return web.json_response(self.stats)


def _object(body: bytes) -> dict[str, Any]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    if not isinstance(parsed, dict):
        raise BadRequestError("need a JSON object")
    return parsed


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0: a free one.")
@click.option("--seed", type=int, default=7, help="Of every draw.")
@click.option("--script", "script_file", type=click.File("rb"), help="JSON file with a whole script; wins over --seed.")
@click.option("--first-byte-s", type=click.FloatRange(min=0), default=0.0, help="Wait before every answer.")
@click.option("--chunk-s", type=click.FloatRange(min=0), default=0.0, help="Wait between two events of a stream.")
@click.option("--real-url", default="", help="Server that answers for the model named smollm2.")
def main(
    port: int, seed: int, script_file: BinaryIO | None, first_byte_s: float, chunk_s: float, real_url: str
) -> None:
    """Serves until SIGINT or SIGTERM; the first line on standard output is {"url": ...}."""
    try:
        script = Script.from_json(orjson.loads(script_file.read())) if script_file else Script(seed=seed)
    except ValueError as error:
        raise click.UsageError(f"the script is wrong: {error}") from None

    async def serve() -> None:
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        router = Router(real_url) if real_url else None
        timing = Timing(first_byte_s, chunk_s)
        async with ScriptedUpstream(script, port=port, timing=timing, router=router) as upstream:
            click.echo(json.dumps({"url": upstream.url}))
            await stopped.wait()

    uvloop.run(serve())


if __name__ == "__main__":
    main()
