"""Which wire format a request carries, known by method and path alone: the longest suffix that fits."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.gateway.counters import PROTOCOL_OTHER
from sidecar.settings import Route


class Routes:
    """Target to wire format.

    >>> routes = Routes([Route("/completions", "c"), Route("/chat/completions", "chat")])
    >>> routes.protocol(b"POST", b"/v1/chat/completions?x=/completions"), routes.protocol(b"GET", b"/completions")
    ('chat', 'opaque')
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        longest_first = sorted(routes, key=lambda route: -len(route.suffix))
        self._routes = [(route.suffix.encode(), route.protocol) for route in longest_first]

    def protocol(self, method: bytes, target: bytes) -> str:
        """The wire format's name, or ``opaque``."""
        if method != b"POST":
            return PROTOCOL_OTHER
        path = target.partition(b"?")[0]
        return next((name for suffix, name in self._routes if path.endswith(suffix)), PROTOCOL_OTHER)
