"""What a file of ``sidecar/wire`` offers, and how it is found: a new format is one new file.

A request's format follows from the end of its path. Where several formats share a path, each
reads only the bodies that are its own. Where bodies do not tell them apart either, the
operator names the provider, and with it one of the paths that a format has ``when_named``.
"""

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

    ``name`` is its label everywhere (``openai.chat``). ``suffixes`` end the paths that carry
    it; of several formats whose suffix fits, the longest suffix decides. ``when_named``:
    ends of paths that carry it only where the operator has named this provider.

    ``decode`` never raises on any Capture; None where the body is not of this format, which
    can be only on a path that formats share.

    ``user_fields`` are the places of the end user in a request's body, best first, as keys
    from the outside in; ``user_header`` is asked where none of them holds one.
    """

    name: str
    provider: str
    suffixes: tuple[str, ...]
    decode: Callable[[Capture], Exchange | None]
    when_named: tuple[str, ...] = ()
    user_fields: tuple[tuple[str, ...], ...] = ()
    user_header: str = ""
    also_called: tuple[str, ...] = ()

    @property
    def called(self) -> tuple[str, ...]:
        """What an operator may call it: the first word of its name, or another of its provider's names."""
        return (self.name.partition(".")[0], *self.also_called)

    def is_called(self, name: str) -> bool:
        """Whether ``name`` means this format: as it is ``called``, or its own or its provider's whole name.

        Letters and digits count, not what parts them, nor their case.
        """
        return _plain(name) in map(_plain, (self.name, self.provider, *self.called))


def _plain(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


@cache
def formats() -> tuple[WireFormat, ...]:
    """Every format of this folder, by name. Looked up once; ``formats.cache_clear()`` looks again."""
    modules = (
        importlib.import_module(f"{sidecar.wire.__name__}.{found.name}")
        for found in pkgutil.iter_modules(sidecar.wire.__path__)
    )
    offered = (getattr(module, "FORMAT", None) for module in modules)
    return tuple(sorted((f for f in offered if isinstance(f, WireFormat)), key=lambda f: f.name))


def format_for(path: str, named: str = "") -> WireFormat | None:
    """The format that a request path (no query) carries, None where it is opaque.

    ``named`` is the format's or provider's name, where the operator has said it; of formats
    that share the path, the one so called. A name does not make a path one of its format's.

    >>> format_for("/openai/deployments/d/chat/completions").name
    'openai.chat'
    >>> format_for("/v1/chat/completions", named="mistral").name
    'mistral.chat'
    >>> format_for("/v1/embeddings") is None
    True
    """
    sharing = _sharing(path)
    if named:
        called = (f for f in formats() if f.is_called(named) and (f in sharing or path.endswith(f.when_named)))
        return next(called, sharing[0] if sharing else None)
    return sharing[0] if sharing else None


def _sharing(path: str) -> list[WireFormat]:
    """Formats of the longest suffix that fits."""
    fitting = [(len(suffix), f) for f in formats() for suffix in f.suffixes if path.endswith(suffix)]
    longest = max((length for length, _ in fitting), default=0)
    return [f for length, f in fitting if length == longest]


def decode(capture: Capture) -> Exchange | None:
    """The exchange, or None where the request is not one to a known format (opaque).

    ``capture.protocol`` names the format; a capture without one is placed by its path.
    Where the body is not of that format, the others that share the path are tried.
    """
    if capture.method != "POST" or not _is_json(header(capture.request_headers, "content-type")):
        return None
    if capture.protocol:
        wire_format = next((f for f in formats() if f.name == capture.protocol), None)
    else:
        wire_format = format_for(capture.path)
    if wire_format is None:
        return None
    exchange = wire_format.decode(capture)
    if exchange is None:
        others = (f.decode(capture) for f in _sharing(capture.path) if f is not wire_format)
        exchange = next((other for other in others if other is not None), None)
    return exchange


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in ("", "application/json") or media_type.endswith("+json")
