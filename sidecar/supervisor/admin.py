"""The admin listener: health, metrics, the kill switch; the page and the rest of the API come from the monitor.

``/healthz`` and ``/readyz`` read memory and never wait for another process. The monitor is
asked over its unix socket with a limit; a dead one makes a 503 there and nowhere else.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from typing import Protocol

import aiohttp
from aiohttp import web

MONITOR_LIMIT_S = 1.0
PAGE_LIMIT_S = 5.0
_PASSED_ON = ("content-type", "content-length", "cookie", "origin", "accept", "authorization")
_PASSED_BACK = ("content-type", "set-cookie", "location", "cache-control", "content-security-policy")


class House(Protocol):
    """What the admin listener needs to know of the supervisor."""

    observe: bool

    @property
    def healthy(self) -> bool:
        """A worker is alive."""

    @property
    def draining(self) -> bool:
        """Shutting down."""

    @property
    def monitor_up(self) -> bool:
        """The monitor's heartbeat is fresh."""

    def accepting(self) -> bool:
        """A worker takes requests."""

    async def upstream_reachable(self) -> bool:
        """Whether the upstream accepts a connection (True where it is not asked for)."""

    def exposition(self, *, monitor_up: bool) -> bytes:
        """The supervisor's own metrics."""


class Admin:
    """``monitor_socket`` is the path of the monitor's unix socket; ``token`` allows writes."""

    def __init__(self, house: House, monitor_socket: str, token: str) -> None:
        self._house = house
        self._token = token.encode()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=monitor_socket, limit=16),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=1 << 20)
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_put("/api/v1/observe", self.set_observe)
        app.router.add_route("*", "/{path:.*}", self.monitor)
        app.on_cleanup.append(lambda _: self._session.close())
        return app

    async def healthz(self, _: web.Request) -> web.Response:
        """200 while the supervisor answers and a worker lives."""
        return _word("ok") if self._house.healthy else _word("no gateway worker is alive", 503)

    async def readyz(self, _: web.Request) -> web.Response:
        """200 while a worker accepts and nothing drains."""
        if self._house.draining:
            return _word("draining", 503)
        if not self._house.accepting():
            return _word("no gateway worker accepts", 503)
        if not await self._house.upstream_reachable():
            return _word("upstream does not accept connections", 503)
        return _word("ready")

    async def metrics(self, _: web.Request) -> web.Response:
        """The data plane from memory, then whatever the monitor says within its limit."""
        theirs = b""
        up = self._house.monitor_up
        if up:
            try:
                async with asyncio.timeout(MONITOR_LIMIT_S), self._session.get("http://monitor/metrics") as answer:
                    theirs, up = await answer.read(), answer.status == 200
            except (aiohttp.ClientError, TimeoutError, OSError):
                up = False
        body = self._house.exposition(monitor_up=up) + (theirs if up else b"")
        return web.Response(body=body, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    async def set_observe(self, request: web.Request) -> web.Response:
        """``{"observe": false}`` pauses looking at traffic. Needs the bearer token."""
        if not self._allowed(request):
            return _word("need the admin token as a bearer token", 401)
        try:
            wanted = json.loads(await request.read())["observe"]
        except (ValueError, KeyError, TypeError):
            wanted = None
        if not isinstance(wanted, bool):
            return _word('need {"observe": true} or {"observe": false}', 400)
        self._house.observe = wanted
        return web.json_response({"observe": wanted})

    def _allowed(self, request: web.Request) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self._token)

    async def monitor(self, request: web.Request) -> web.StreamResponse:
        """Everything else is the monitor's. A write needs the token, here and so for all that the monitor offers."""
        if request.method not in ("GET", "HEAD") and not self._allowed(request):
            return _word("need the admin token as a bearer token", 401)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers["Host"] = request.headers.get("Host", "")
        try:
            async with (
                asyncio.timeout(PAGE_LIMIT_S),
                self._session.request(
                    request.method,
                    f"http://monitor{request.rel_url}",
                    headers=headers,
                    data=await request.read(),
                    allow_redirects=False,
                ) as answer,
            ):
                back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=back)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return _word("the monitor does not answer: behaviour is not being watched; traffic is not affected", 503)


def _word(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text + os.linesep, status=status)
