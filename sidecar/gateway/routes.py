"""Which wire format a request carries, known by method and path alone: the longest suffix that fits."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.gateway.counters import PROTOCOL_OTHER
from sidecar.settings import Route

REMEMBERED_TARGETS = 1024
REMEMBERED_TARGET_BYTES = 256


class Routes:
    """Target to wire format.

    >>> routes = Routes([Route("/completions", "c"), Route("/chat/completions", "chat")])
    >>> routes.protocol(b"POST", b"/v1/chat/completions?x=/completions"), routes.protocol(b"GET", b"/completions")
    ('chat', 'opaque')
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        longest_first = sorted(routes, key=lambda route: -len(route.suffix))
        self._routes = [(route.suffix.encode(), route.protocol) for route in longest_first]
        self._known: dict[bytes, str] = {}

    def protocol(self, method: bytes, target: bytes) -> str:
        """The wire format's name, or ``opaque``."""
        if method != b"POST":
            return PROTOCOL_OTHER
        name = self._known.get(target)
        if name is None:
            path = target.partition(b"?")[0]
            name = next((name for suffix, name in self._routes if path.endswith(suffix)), PROTOCOL_OTHER)
            # A full memory is left as it is: real targets come early, and a flood of made-up
            # ones then costs a search each, not memory. Queries may hold keys: not remembered.
            if len(self._known) < REMEMBERED_TARGETS and len(target) <= REMEMBERED_TARGET_BYTES and b"?" not in target:
                self._known[target] = name
        return name
