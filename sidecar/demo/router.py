"""Requests for the real model's name go to its server; nothing of them is changed or kept back.

One Kilter watches one upstream. This puts the scripted and the real model behind one URL.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host")
)
"""RFC 9110 section 7.6.1; Host belongs to the server that is asked next."""


class Router:
    """``real_url`` is the real server's root, without ``/v1``; ``model`` its model's name."""

    def __init__(self, real_url: str, model: str = "smollm2") -> None:
        self.real_url = real_url.rstrip("/")
        self.model = model
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        # A small model on a loaded machine may take minutes; the client decides when to give up.
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session:
            await self._session.close()

    async def forward(self, request: web.Request, body: bytes) -> web.StreamResponse:
        """The real server's answer, passed on as it arrives. 502 where it cannot be reached."""
        if self._session is None:
            raise RuntimeError("need `async with router` around forward")
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        try:
            answer = await self._session.request(
                request.method, self.real_url + request.path_qs, headers=headers, data=body
            )
        except aiohttp.ClientConnectionError:
            return web.json_response(
                {"error": {"message": "real model not reachable", "type": "server_error"}}, status=502
            )
        async with answer:
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    response.headers.add(name, value)
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            await response.write_eof()
            return response
