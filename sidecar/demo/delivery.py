"""Sends an outcome over an HTTP connection: in time, whole, or cut where the script says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from aiohttp import web

from sidecar.demo.asked import Asked
from sidecar.demo.script import Outcome
from sidecar.demo.wire_format import WireFormat


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds before an answer's first byte, and between two events of a stream."""

    first_byte_s: float = 0.0
    chunk_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """``parts`` is the body, cut between the events of a stream; ``cut_after_bytes`` is below
    its length, or None for all of it. ``streamed``: sent as an event stream.
    """

    status: int
    parts: list[bytes]
    streamed: bool
    stall_s: float
    cut_after_bytes: int | None

    @classmethod
    def of(cls, wire_format: WireFormat, request: Asked, outcome: Outcome) -> Delivery:
        """Renders the outcome. A cut past the body's end would be none: it is moved inside."""
        status, streamed = 200, request.stream
        if outcome.error_status is not None and not outcome.error_in_stream:
            status, streamed = outcome.error_status, False
            parts = [wire_format.error(status, "The scripted model failed.")]
        else:
            parts = wire_format.frames(request, outcome) if streamed else [wire_format.whole(request, outcome)]
        if outcome.error_in_stream:
            parts = [*parts[: len(parts) // 2], wire_format.error_frame]
        cut = outcome.cut_after_bytes
        if cut is not None:
            cut = min(cut, sum(map(len, parts)) - 1)
        return cls(status, parts, streamed, outcome.stall_s, cut)

    async def send(self, request: web.Request, headers: dict[str, str], timing: Timing) -> web.StreamResponse:
        """ConnectionError or CancelledError when the client has left."""
        response = web.StreamResponse(status=self.status, headers=headers)
        response.content_type = "text/event-stream" if self.streamed else "application/json"
        if self.streamed:
            response.headers["cache-control"] = "no-cache"
        else:
            response.content_length = len(self.parts[0])
        await asyncio.sleep(timing.first_byte_s + (0.0 if self.streamed else self.stall_s))
        await response.prepare(request)
        left = sum(map(len, self.parts)) if self.cut_after_bytes is None else self.cut_after_bytes
        for wait_s, data in self._paced(timing.chunk_s):
            if not left:
                break
            if wait_s:
                await asyncio.sleep(wait_s)
            await response.write(data[:left])
            left -= len(data[:left])
        if self.cut_after_bytes is None:
            await response.write_eof()
        elif request.transport:
            request.transport.abort()
        return response

    def _paced(self, chunk_s: float) -> Iterator[tuple[float, bytes]]:
        """(seconds to wait, bytes). What is not apart in time is written at once."""
        stall_s = self.stall_s if self.streamed else 0.0
        middle = len(self.parts) // 2
        if chunk_s:
            for at, part in enumerate(self.parts):
                yield chunk_s * (at > 0) + stall_s * (at == middle), part
        elif stall_s:
            yield 0.0, b"".join(self.parts[:middle])
            yield stall_s, b"".join(self.parts[middle:])
        else:
            yield 0.0, b"".join(self.parts)
