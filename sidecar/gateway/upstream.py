"""One connection to the model server: writes a request, reads the answer, says where it ends.

Rules of this file:

* The answer's bytes go to the client's transport in the call that brought them. They are
  looked at only to find the end of the body.
* Whoever owns the connection is told once how the answer ended: ``answer_ended``,
  ``upstream_failed`` or ``switched``. After that the connection knows no exchange.
* Bytes that nobody asked for mean that the connection's framing is lost: it is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from sidecar.gateway.framing import BadFraming, ChunkedWalker, CloseWalker, Walker
from sidecar.gateway.heads import BadHead, ResponseHead
from sidecar.gateway.observer import HELD_CHUNK_BYTES, TOLD_TOGETHER_BYTES

if TYPE_CHECKING:
    from sidecar.gateway.exchange import Exchange  # which imports this file

log = logging.getLogger("kilter.gateway")

READ_BYTES = 1 << 16
_GONE = select.POLLIN | select.POLLHUP | select.POLLERR


class UpstreamConnection(asyncio.Protocol):
    """``lost`` is called when the connection has ended; ``idle_since_s`` is the pool's."""

    __slots__ = (
        "_body",
        "_chunks",
        "_exchange",
        "_head",
        "_held",
        "_lost",
        "_max_head_bytes",
        "_now",
        "_poll",
        "_reading_paused",
        "_reusable",
        "_secure",
        "closed",
        "idle_since_s",
        "reused",
        "silent",
        "transport",
    )

    def __init__(
        self, now: Callable[[], float], max_head_bytes: int, lost: Callable[[UpstreamConnection], None]
    ) -> None:
        self._now = now
        self._max_head_bytes = max_head_bytes
        self._lost = lost
        self._exchange: Exchange | None = None
        self._head: ResponseHead | None = None  # of the last answer
        self._body: Walker | None = None  # None while the head is read
        self._chunks: ChunkedWalker | None = None  # the body, while its chunks go on as they are
        self._held = b""  # the beginning of a head
        self._reading_paused = False
        self._reusable = False  # the connection, once the answer has ended
        self.transport: asyncio.Transport
        self.closed = False
        self.reused = False
        self.silent = True  # no byte of an answer yet
        self.idle_since_s = 0.0

    # What the exchange calls

    def begin(self, exchange: Exchange) -> None:
        """From now on what arrives answers ``exchange``."""
        self._exchange = exchange
        self._body = self._chunks = None
        self.silent = True
        if exchange.client.write_paused:
            self.pause_reading()

    def send(self, data: bytes) -> None:
        """Bytes of the request."""
        self.transport.write(data)

    def has_news(self) -> bool:
        """Whether the kernel holds bytes or an end that have not been read. Plain sockets only."""
        if self._secure or self._reading_paused:
            return False  # in TLS readable does not mean that the answer has begun
        return bool(self._poll.poll(0))

    def pause_reading(self) -> None:
        """The client is slow."""
        if not self._reading_paused and not self.closed:
            self._reading_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        """The client has caught up."""
        if self._reading_paused:
            self._reading_paused = False
            if not self.closed:
                self.transport.resume_reading()

    def abort(self) -> None:
        """Ends the connection at once; the exchange hears nothing of it."""
        self._exchange = None
        self.closed = True
        self.transport.abort()

    def close(self) -> None:
        """Ends the connection politely: TLS says goodbye."""
        self._exchange = None
        self.closed = True
        self.transport.close()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected, for TLS after the handshake."""
        self.transport = cast("asyncio.Transport", transport)
        self._secure = transport.get_extra_info("ssl_object") is not None
        self._poll = select.poll()
        self._poll.register(transport.get_extra_info("socket").fileno(), _GONE)

    def data_received(self, data: bytes) -> None:
        """The hot path, of which the first lines are nearly all: each event of a stream comes here."""
        exchange = self._exchange
        if exchange is None:
            self.abort()
            return
        chunks = self._chunks
        if chunks is not None and (start := chunks.one_chunk(data)):
            write = (
                exchange.write
            )  # a slot that holds a function: called by its own name it would be looked up the slow way
            write(data)
            exchange.moved = True
            hold = exchange.hold
            if hold is not None and len(data) <= HELD_CHUNK_BYTES:
                hold(data[start:-2])
                held_bytes = exchange.held_bytes
                if held_bytes() >= TOLD_TOGETHER_BYTES:
                    exchange.tell()
            elif exchange.follows:
                exchange.answer_moved(data[start:-2])
            return
        body = self._body
        if body is None:
            self._read_head(exchange, data)
        else:
            self._read_body(exchange, body, data)

    def eof_received(self) -> None:
        """The transport closes itself, then ``connection_lost`` tells the exchange."""

    def connection_lost(self, exc: Exception | None) -> None:
        """An answer that only the connection's end ends is whole, if the end was an orderly one."""
        self.closed = True
        self._lost(self)
        if exc is not None and not self._secure:
            self._read_what_is_left()
        exchange = self._exchange
        if exchange is None:
            return
        self._exchange = None
        if exc is None and isinstance(self._body, CloseWalker):
            exchange.answer_ended(self, reusable=False)
        elif isinstance(exc, ssl.SSLError):  # TLS 1.3: a client certificate is refused after the handshake
            log_tls_failure(exc)
            exchange.upstream_failed("tls")
        else:
            exchange.upstream_failed("reset")

    def _read_what_is_left(self) -> None:
        """Reads the answer of a server that refused an upload: it answered and closed, and our next write failed.

        A failed write ends a transport before what has come is read. The kernel still has it, and
        the descriptor is closed only after ``connection_lost``.
        """
        descriptor = self.transport.get_extra_info("socket").fileno()
        while self._exchange is not None:
            try:
                data = os.read(descriptor, READ_BYTES)
            except OSError:
                return
            if not data:
                return
            self.data_received(data)

    def pause_writing(self) -> None:
        """The upstream reads slowly: so do we."""
        if self._exchange is not None:
            self._exchange.client.hold("upstream full")

    def resume_writing(self) -> None:
        """The upstream has caught up."""
        if self._exchange is not None:
            self._exchange.client.release("upstream full")

    # The answer

    def _read_head(self, exchange: Exchange, data: bytes) -> None:
        self.silent = False
        if self._held:
            data = self._held + data
            self._held = b""
        while True:
            end = data.find(b"\r\n\r\n") + 4
            if end > self._max_head_bytes or (end == 3 and len(data) > self._max_head_bytes):
                self._fail(exchange, "protocol")
                return
            if end == 3:
                self._held = data
                return
            head = self._head
            if head is None or exchange.dechunk or not head.again(data[:end]):
                try:
                    head = ResponseHead(data[:end], dechunk=exchange.dechunk)
                except BadHead:
                    self._fail(exchange, "protocol")
                    return
                self._head = None if exchange.dechunk else head
            if head.status >= 200:
                break
            if head.status == 101:
                self._exchange = None
                exchange.switched(self, data[:end], data[end:])
                return
            exchange.interim(data[:end])
            data = data[end:]
            if not data:
                return
        rest = data[end:]
        if rest and len(rest) == head.framing.length and head.status == 200 and not exchange.to_head:
            self._exchange = None
            exchange.answered(self, head, rest, reusable=head.keep_alive and not self.closed)
            return
        body = head.framing.response_body(
            to_head=exchange.to_head, status=head.status, max_trailer_bytes=self._max_head_bytes
        )
        self._body = body
        keep_alive = head.keep_alive and not isinstance(body, CloseWalker)
        ours = exchange.answer_began(head, ends_with_connection=isinstance(body, CloseWalker))
        if body is None:
            exchange.write(ours)
            self._answer_ended(exchange, reusable=keep_alive and end == len(data))
        else:
            self._reusable = keep_alive
            if isinstance(body, ChunkedWalker) and not exchange.dechunk:
                self._chunks = body
            self._read_body(exchange, body, rest, ours)

    def _read_body(self, exchange: Exchange, body: Walker, data: bytes, ours: bytes = b"") -> None:
        """``ours`` is the head, if it has not gone out yet: it shares a packet with what follows."""
        pieces: list[bytes] | None = [] if exchange.wants_payload else None
        try:
            taken = body.walk(data, pieces) if data else 0
        except BadFraming:
            exchange.write(ours)
            self._fail(exchange, "protocol")
            return
        payload = b"" if not pieces else pieces[0] if len(pieces) == 1 else b"".join(pieces)
        if exchange.dechunk:
            exchange.write(ours + payload)
        elif taken == len(data):
            exchange.write(ours + data if ours else data)
        else:
            exchange.write(ours + data[:taken])
        exchange.moved = True
        if exchange.follows and taken:
            exchange.answer_moved(payload)
        if body.finished:
            self._answer_ended(exchange, reusable=self._reusable and taken == len(data))

    def _answer_ended(self, exchange: Exchange, *, reusable: bool) -> None:
        self._exchange = None
        exchange.answer_ended(self, reusable=reusable and not self.closed)

    def _fail(self, exchange: Exchange, reason: str) -> None:
        self.abort()
        exchange.upstream_failed(reason)


def log_tls_failure(error: ssl.SSLError) -> None:
    """Says why, in OpenSSL's words, which name certificates and alerts and never what was sent."""
    reason = getattr(error, "verify_message", None) or error.reason or type(error).__name__
    log.error("TLS with the upstream failed", extra={"fields": {"reason": reason}})
