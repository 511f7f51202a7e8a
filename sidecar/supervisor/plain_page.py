"""A page of a few sentences, for a browser: what the supervisor says where the status page cannot be had, or a form is refused."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from aiohttp import web

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kilter: {title}</title>
<style>
  :root {{ color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --line: #d1d9e0; --paper: #fff; --card: #f6f8fa; --bad: #b42318; --link: #0757b8; }}
  @media (prefers-color-scheme: dark) {{ :root {{ --ink: #e6edf3; --soft: #9aa4af; --line: #3d444d; --paper: #0d1117; --card: #151b23; --bad: #ff8f85; --link: #79b8ff; }} }}
  body {{ margin: 0 auto; max-width: 42rem; padding: 1.5rem 1rem; font: 1rem/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }}
  main {{ border: 1px solid var(--line); border-left: .4rem solid var(--bad); border-radius: .4rem; background: var(--card); padding: .75rem 1.25rem; }}
  h1 {{ font-size: 1.35rem; margin: .25rem 0 .75rem; }} a {{ color: var(--link); }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{paragraphs}
<p><a href="/">The status page</a></p>
</main>
</body>
</html>
"""


def answer(status: int, title: str, sentences: Sequence[str]) -> web.Response:
    """Sentences are text, not HTML."""
    paragraphs = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)
    body = _PAGE.format(title=escape(title), paragraphs=paragraphs)
    return web.Response(status=status, text=body, content_type="text/html", headers=HEADERS)


def wanted(request: web.Request) -> bool:
    """Whether a browser asks, which shows pages to people."""
    return "text/html" in request.headers.get("Accept", "")
