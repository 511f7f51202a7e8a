"""Counts exchanges into the worker's shared-memory block, by wire format."""

from __future__ import annotations

from collections.abc import Sequence

from sidecar.gateway.counters import PROTOCOL_OTHER, STATUS_CLASSES, Counters
from sidecar.gateway.routes import Routes
from sidecar.settings import Route


class ProtocolCells:
    """The cells of one wire format."""

    __slots__ = ("by_class", "duration", "first_chunk")

    def __init__(self, counters: Counters, protocol: str) -> None:
        self.by_class = [counters.cell("kilter_requests_total", protocol, name) for name in STATUS_CLASSES]
        self.duration = counters.cell("kilter_request_duration_seconds", protocol)
        self.first_chunk = counters.cell("kilter_time_to_first_chunk_seconds", protocol)


class Meter:
    """What the relay counts. ``status`` 0 means that no answer began."""

    def __init__(self, counters: Counters, routes: Sequence[Route]) -> None:
        self._counters = counters
        self._block = counters.cells
        self._routes = Routes(routes)
        names = {PROTOCOL_OTHER} | {route.protocol for route in routes}
        self._cells = {name: ProtocolCells(counters, name) for name in names}
        self.inflight = 0
        self._inflight = counters.cell("kilter_inflight_requests")
        self._connections = counters.cell("kilter_open_connections")
        self._disconnects = counters.cell("kilter_client_disconnects_total")
        self._retries = counters.cell("kilter_upstream_retries_total")

    def cells(self, method: bytes, target: bytes) -> ProtocolCells:
        """The cells for a request, to be looked up once."""
        return self._cells[self._routes.protocol(method, target)]

    def connections(self, change: int) -> None:
        """A client connection came (1) or went (-1)."""
        self._counters.add(self._connections, change)

    def began(self) -> None:
        """A request is in flight."""
        self.inflight += 1
        self._block[self._inflight] = self.inflight

    def first_chunk(self, cells: ProtocolCells, seconds: float) -> None:
        """From the request's last byte sent upstream to the first byte of the answer's body."""
        self._counters.observe(cells.first_chunk, seconds)

    def ended(self, cells: ProtocolCells, status: int, seconds: float) -> None:
        """A request is no longer in flight."""
        block = self._block
        self.inflight -= 1
        block[self._inflight] = self.inflight
        block[cells.by_class[status // 100 - 1 if 100 <= status <= 599 else -1]] += 1.0
        self._counters.observe(cells.duration, seconds)

    def answered_unread(self, status: int) -> None:
        """The gateway answered what it could not read as a request."""
        self._counters.add(self._cells[PROTOCOL_OTHER].by_class[status // 100 - 1])

    def disconnected(self) -> None:
        """A client left before its answer was finished."""
        self._counters.add(self._disconnects)

    def retried(self) -> None:
        """A request was sent again."""
        self._counters.add(self._retries)

    def upstream_error(self, reason: str) -> None:
        """See ``counters.UPSTREAM_ERRORS``."""
        self._counters.add(self._counters.cell("kilter_upstream_errors_total", reason))

    def rejected(self, reason: str) -> None:
        """See ``counters.REJECTIONS``."""
        self._counters.add(self._counters.cell("kilter_rejected_requests_total", reason))
