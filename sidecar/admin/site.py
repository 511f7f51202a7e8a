"""What the monitor answers over HTTP beside metrics: the page, its documents, and the commands of the API.

Reached through the supervisor only, over a unix socket: it has seen to names, token and forms.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from sidecar.admin import openapi, page
from sidecar.admin.api import Api, Judge, mistakes
from sidecar.admin.status import Status
from sidecar.export.canaries import Canaries

MOST_BYTES = 16 << 20
"""Of a request: the file of a baseline."""
REFRESH_S = 30


class Site:
    """``clock()`` is Unix seconds; ``changed()`` is called after the baseline has changed."""

    def __init__(
        self,
        judge: Judge,
        status: Callable[[], Status],
        canaries: Callable[[], Canaries],
        clock: Callable[[], float],
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._status = status
        self._canaries = canaries
        self._api = Api(judge, clock, changed)

    def application(self) -> web.Application:
        """All of it; whoever runs it may add routes."""
        app = web.Application(client_max_size=MOST_BYTES, middlewares=[mistakes])
        app.router.add_get("/", self._page)
        app.router.add_get("/api/v1/openapi.json", self._description)
        app.router.add_get("/api/v1/status", self._status_document)
        app.router.add_get("/api/v1/canaries", self._canaries_document)
        self._api.add_to(app)
        return app

    async def _page(self, request: web.Request) -> web.Response:
        """Reloads by itself where it is asked to: a page that does so unasked takes away what somebody is typing."""
        reloads = request.query.get("reload") == "1"
        headers = {**page.HEADERS, **({"Refresh": str(REFRESH_S)} if reloads else {})}
        return web.Response(
            text=page.render(self._status(), reloads=reloads), content_type="text/html", headers=headers
        )

    async def _description(self, _: web.Request) -> web.Response:
        return web.json_response(openapi.document())

    async def _status_document(self, _: web.Request) -> web.Response:
        return web.json_response(self._status().to_dict())

    async def _canaries_document(self, _: web.Request) -> web.Response:
        return web.json_response(self._canaries().to_dict())
