"""Code and JSON out of a reply."""

from __future__ import annotations

import json
import re
from typing import Any

_FENCE = re.compile(r"```[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


class NoJsonError(ValueError):
    """The reply holds none."""


def code(text: str) -> str:
    """The fenced code, blocks joined; the whole text where nothing is fenced.

    >>> code("Here:\\n```python\\nx = 1\\n```\\nDone.")
    'x = 1\\n'
    """
    blocks = [(tag.lower(), body) for tag, body in _FENCE.findall(text)]
    python = [body for tag, body in blocks if tag in ("python", "py", "python3")]
    untagged = [body for tag, body in blocks if not tag]
    return "\n".join(python or untagged) if python or untagged else text


def json_value(text: str, *, within: bool) -> Any:
    """The JSON value of the reply: all of it, or all of a single fence. ``within``: or anywhere in it.

    NoJsonError where there is none.
    """
    stripped = text.strip()
    fence = _FENCE.fullmatch(stripped)
    for candidate in (stripped, fence[2] if fence else ""):
        try:
            return json.loads(candidate)
        except (ValueError, RecursionError):
            continue
    if within:
        decoder = json.JSONDecoder()
        for start in re.finditer(r"[{\[]", stripped[:100_000]):
            try:
                return decoder.raw_decode(stripped, start.start())[0]
            except (ValueError, RecursionError):
                continue
    raise NoJsonError("no JSON")
