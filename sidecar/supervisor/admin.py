"""The admin listener: health, metrics, the kill switch; the page and the rest of the API come from the monitor.

``/healthz`` and ``/readyz`` read memory and never wait for another process. The monitor is
asked over its unix socket with a limit; a dead one makes a 503 there and nowhere else. Token and cookies end here.
"""

from __future__ import annotations

import asyncio
import gzip
import hmac
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import aiohttp
from aiohttp import web

from sidecar.supervisor import plain_page
from sidecar.supervisor.forms import PATH as FORMS
from sidecar.supervisor.forms import Forms
from sidecar.supervisor.hosts import Hosts, name_of

MONITOR_LIMIT_S = 1.0
MOST_BYTES = 16 << 20
"""Of a request: the file of a baseline."""
PAGE_LIMIT_S = 5.0
OPEN = ("/healthz", "/readyz", "/metrics")
"""Answered under any name: probes and scrapes use that of a pod, a container or a service."""
OBSERVE = "/api/v1/observe"
WORTH_COMPRESSING = 16384
_PASSED_ON = ("content-type", "content-length", "accept")
_PASSED_BACK = (
    "allow", "content-type", "cache-control", "content-security-policy", "referrer-policy", "x-content-type-options", "refresh",
)  # fmt: skip
_SILENT = "the monitor does not answer: behaviour is not being watched; traffic is not affected"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
    """``monitor_socket`` is the path of the monitor's unix socket; ``token`` allows writes; ``hosts`` are names of the listener."""

    def __init__(self, house: House, monitor_socket: str, token: str, hosts: Hosts | None = None) -> None:
        self._house = house
        self._token = token.encode()
        self._hosts = hosts or Hosts()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=monitor_socket, limit=16),
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[self._named])
        app.router.add_get("/healthz", self.healthz)
        app.router.add_get("/readyz", self.readyz)
        app.router.add_get("/metrics", self.metrics)
        app.router.add_put(OBSERVE, self.set_observe)
        Forms(self._is_token, self._command).add_to(app)
        for own in (*OPEN, OBSERVE):
            app.router.add_route("*", own, _not_so)
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

    async def metrics(self, request: web.Request) -> web.Response:
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
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Vary": "Accept-Encoding"}
        if len(body) >= WORTH_COMPRESSING and _takes_gzip(request.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            body = await asyncio.to_thread(gzip.compress, body, 1)  # the level that costs least: names repeat anyway
        return web.Response(body=body, headers=headers)

    async def set_observe(self, request: web.Request) -> web.Response:
        """``{"observe": false}`` pauses looking at traffic. Needs the bearer token."""
        if not self._allowed(request):
            return _word("need the admin token as a bearer token", 401)
        try:
            wanted = json.loads(await request.read())["observe"]
        except (ValueError, KeyError, TypeError, RecursionError):
            wanted = None
        if not isinstance(wanted, bool):
            return _word('need {"observe": true} or {"observe": false}', 400)
        self._house.observe = wanted
        return web.json_response({"observe": wanted})

    def _allowed(self, request: web.Request) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and self._is_token(given.strip())

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._token)

    @web.middleware
    async def _named(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuses names that are not this listener's, unless the token shows that no browser was led here."""
        host = request.headers.get("Host", "")
        if request.path in OPEN or self._hosts.allow(host) or self._allowed(request):
            return await handler(request)
        name = name_of(host).encode("ascii", "replace").decode()[:100]
        return _word(f"{name}: not a name of this listener; if it is, admin_hosts must list it", 421)

    async def _command(self, method: str, path: str, content: Mapping[str, Any]) -> tuple[int, str]:
        """A command of a form, whose sender has been allowed it."""
        body = json.dumps(content).encode()
        try:
            async with (
                asyncio.timeout(PAGE_LIMIT_S),
                self._session.request(method, f"http://monitor{path}", data=body) as answer,
            ):
                return answer.status, (await answer.read()).decode(errors="replace")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 503, _SILENT

    async def monitor(self, request: web.Request) -> web.StreamResponse:
        """Everything else is the monitor's. A write needs the token, here and so for all that the monitor offers."""
        if request.method not in ("GET", "HEAD") and not self._allowed(request):
            return _word("need the admin token as a bearer token", 401)
        if request.path.startswith(FORMS):
            return _word("need a form that the page sends", 404)
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        headers["Host"] = request.headers.get("Host", "")
        body = await request.read()
        try:
            async with (
                asyncio.timeout(PAGE_LIMIT_S),
                self._session.request(
                    request.method,
                    f"http://monitor{request.rel_url}",
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                ) as answer,
            ):
                back = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
                return web.Response(status=answer.status, body=await answer.read(), headers=back)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return self._silent() if plain_page.wanted(request) else _word(_SILENT, 503)

    def _silent(self) -> web.Response:
        """What a person sees in place of the page."""
        up = (
            "The monitor is running but does not answer."
            if self._house.monitor_up
            else "The monitor is not running, or not yet."
        )
        alive = (
            "Traffic is not affected: requests pass as before."
            if self._house.healthy
            else "No gateway worker is alive either: requests are not being answered."
        )
        return plain_page.answer(
            503,
            "Behaviour is not being watched",
            [up, alive, "The monitor is started again by itself, within seconds; if this stays, its reason is in Kilter's log."],
        )  # fmt: skip


async def _not_so(request: web.Request) -> web.StreamResponse:
    """A method that a path of the supervisor's own does not have."""
    raise web.HTTPMethodNotAllowed(request.method, ["PUT"] if request.path == OBSERVE else ["GET", "HEAD"])


def _takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header names gzip, and not with a weight of 0.

    >>> _takes_gzip("gzip"), _takes_gzip("br, gzip;q=0.5"), _takes_gzip("gzip;q=0"), _takes_gzip("")
    (True, True, False, False)
    """
    for part in accepted.lower().split(","):
        name, _, weight = part.replace(" ", "").partition(";q=")
        if name == "gzip":
            return weight.strip("0.") != "" or not weight
    return False


def _word(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text + os.linesep, status=status)
