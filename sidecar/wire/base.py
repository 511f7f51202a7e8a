"""What a file of ``sidecar/wire`` offers, and how it is found: a new format is one new file."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import sidecar.wire
from detectors.records.exchange import Exchange
from sidecar.gateway.capture import Capture
from sidecar.wire.headers import header


@dataclass(frozen=True, slots=True)
class WireFormat:
    """One wire format, offered as ``FORMAT`` by its file.

    ``name`` is its label everywhere (``openai.chat``). ``suffixes`` end the paths that
    carry it; of several formats whose suffix fits, the longest suffix decides.
    ``decode`` never raises on any Capture.
    """

    name: str
    provider: str
    suffixes: tuple[str, ...]
    decode: Callable[[Capture], Exchange]


@cache
def formats() -> tuple[WireFormat, ...]:
    """Every format of this folder, by name. Looked up once; ``formats.cache_clear()`` looks again."""
    modules = (
        importlib.import_module(f"{sidecar.wire.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sidecar.wire.__path__)
    )
    offered = (getattr(module, "FORMAT", None) for module in modules)
    return tuple(sorted((f for f in offered if isinstance(f, WireFormat)), key=lambda f: f.name))


def format_for(path: str) -> WireFormat | None:
    """The format that a request path (no query) carries, None where it is opaque.

    >>> format_for("/openai/deployments/d/chat/completions").name
    'openai.chat'
    >>> format_for("/v1/embeddings") is None
    True
    """
    fitting = ((len(suffix), f) for f in formats() for suffix in f.suffixes if path.endswith(suffix))
    return max(fitting, key=lambda pair: pair[0], default=(0, None))[1]


def decode(capture: Capture) -> Exchange | None:
    """The exchange, or None where the request is not one to a known format (opaque).

    ``capture.protocol`` names the format; a capture without one is placed by its path.
    """
    if capture.method != "POST" or not _is_json(header(capture.request_headers, "content-type")):
        return None
    if capture.protocol:
        wire_format = next((f for f in formats() if f.name == capture.protocol), None)
    else:
        wire_format = format_for(capture.path)
    return None if wire_format is None else wire_format.decode(capture)


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("", "application/json") or media_type.endswith("+json")
