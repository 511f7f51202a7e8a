"""The pass-through that most people would write first: ``pass_through.py PORT UPSTREAM_PORT``."""

from __future__ import annotations

import sys

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

PORT, UPSTREAM = sys.argv[1:3] if __name__ == "__main__" else ("0", "0")  # who collects tests gives none
OF_ONE_CONNECTION = {
    "host",
    "connection",
    "keep-alive",
    "transfer-encoding",
    "content-length",
    "te",
    "trailer",
    "upgrade",
}


def end_to_end(headers):
    return {name: value for name, value in headers.items() if name.lower() not in OF_ONE_CONNECTION}


async def forward(request):
    url = f"http://127.0.0.1:{UPSTREAM}{request.path_qs}"
    body = await request.read()
    async with request.app["session"].request(
        request.method, url, data=body, headers=end_to_end(request.headers)
    ) as answer:
        response = web.StreamResponse(status=answer.status, headers=end_to_end(answer.headers))
        await response.prepare(request)
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
        await response.write_eof()
        return response


async def session(app):
    app["session"] = ClientSession(connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None))
    yield
    await app["session"].close()


if __name__ == "__main__":
    app = web.Application(client_max_size=64 << 20)
    app.cleanup_ctx.append(session)
    app.router.add_route("*", "/{path:.*}", forward)
    web.run_app(app, host="127.0.0.1", port=int(PORT), access_log=None, print=None, backlog=4096)
