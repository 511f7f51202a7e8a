"""One client's connection: reads requests, one after the other, and answers in that order.

Rules of this file:

* One exchange at a time. What the client sends meanwhile is kept, up to a bound; beyond it
  the client is not read. It is read again when nothing holds it any more.
* Bytes are read as a request only from a boundary that the framing has proved. After anything
  doubtful the connection ends.
* A connection that ends while the client may still be sending lingers: closing at once would
  make the kernel send a reset, which can destroy the answer before the client has read it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import cast

from sidecar.gateway import peer
from sidecar.gateway.answers import own_answer, status_of
from sidecar.gateway.exchange import Exchange
from sidecar.gateway.framing import BadFraming, Walker
from sidecar.gateway.heads import BadHead, RequestHead
from sidecar.gateway.relay import Relay

PIPELINED_BYTES = 1 << 16
CHANGES = 4
"""After so many heads in a row that differ, no more are compared: some header is new every time."""

FIRST_REQUEST_S = 1.0
"""How long a drain waits for the first request of a connection that was accepted before."""

LINGER_IDLE_S = 5.0
LINGER_S = 30.0
_NEVER = float("inf")
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, 0 s


class ClientConnection(asyncio.Protocol):
    """A connection on a listener of the relay."""

    __slots__ = (
        "_body",
        "_changes",
        "_deadline_s",
        "_ending",
        "_half_closed",
        "_head",
        "_held",
        "_holds",
        "_linger_until_s",
        "_received_s",
        "_relay",
        "_requests",
        "_secure",
        "_watched",
        "exchange",
        "transport",
        "write_paused",
    )

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.exchange: Exchange | None = None
        self.write_paused = False
        self.transport: asyncio.Transport
        self._head: RequestHead | None = None  # of the last request
        self._changes = 0  # heads in a row that were not the last one again
        self._body: Walker | None = None  # of the request that is being received
        self._held = bytearray()  # the beginning of a head, or pipelined requests
        self._received_s = 0.0  # when the first byte of the next head came; 0: none has
        self._deadline_s = _NEVER  # between exchanges
        self._holds: set[str] = set()  # why the client is not read
        self._watched = False  # for its departure, while the client is not read
        self._requests = 0
        self._half_closed = False
        self._ending = False  # no more requests: closing, or lingering until the client closes
        self._linger_until_s = 0.0

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client connected; for TLS, its handshake is over."""
        self.transport = cast("asyncio.Transport", transport)
        self._secure = transport.get_extra_info("ssl_object") is not None
        self._relay.opened(self)
        self._deadline_s = self._relay.now() + self._relay.limits.keepalive_s
        if len(self._relay.connections) > self._relay.limits.connections:
            self._refuse("overloaded")

    def data_received(self, data: bytes) -> None:
        """Bytes of a request's head, of its body, of the next request, or of nothing any more."""
        if self._ending:
            self._deadline_s = min(self._relay.now() + LINGER_IDLE_S, self._linger_until_s)
        elif self.exchange is not None and self._body is not None:
            self._more_body(self.exchange, self._body, data)
        elif self.exchange is not None:
            self._keep_for_later(data)
        elif self._held:
            searched = max(0, len(self._held) - 3)
            self._held += data
            if self._held.find(b"\r\n\r\n", searched) >= 0:
                self._next_requests()
            elif len(self._held) > self._relay.limits.header_bytes:
                self._refuse("headers_too_large")
        else:
            self._received_s = self._relay.now()
            self._read_requests(data)

    def eof_received(self) -> bool:
        """True keeps the connection open: the client waits for its answer, though it sends no more."""
        exchange = self.exchange
        if exchange is None or self._body is not None or self._secure:
            self._left(exchange)
            return False
        if peer.still_waits(self.transport.get_extra_info("socket")):
            self._half_closed = True
            return True
        self._left(exchange)
        return False

    def _left(self, exchange: Exchange | None) -> None:
        """The client sends no more, and nobody there waits for an answer."""
        self.exchange = None
        if exchange is None:
            self.transport.close()  # after what has been written
        else:
            exchange.client_gone()
            self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it ended, it has
        """The client is gone, or we have closed."""
        exchange, self.exchange = self.exchange, None
        self._ending = True
        self._unwatch()
        self._relay.lost(self)
        if exchange is not None and not exchange.over:
            exchange.client_gone()

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self.write_paused = True
        if self.exchange is not None:
            self.exchange.pause_answer()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.write_paused = False
        if self.exchange is not None:
            self.exchange.resume_answer()
        elif self._held and not self._ending:
            self._next_requests()

    # Requests

    def _keep_for_later(self, data: bytes) -> None:
        """Requests that came before the answers of the earlier ones were given, or taken by the client."""
        self._held += data
        if len(self._held) > PIPELINED_BYTES or self.write_paused:
            self.hold("pipelined")

    def _next_requests(self) -> None:
        data = bytes(self._held)
        self._held.clear()
        self._holds.discard("pipelined")
        self._read_requests(data)
        self._hold_or_read()

    def _read_requests(self, data: bytes) -> None:
        """``data`` begins where a request may begin, and no exchange is under way."""
        while data and not self._ending:
            if self.exchange is not None or self.write_paused:
                self._keep_for_later(data)
                return
            if data.startswith(b"\r\n"):  # RFC 9112 2.2: one empty line is tolerated before a request
                data = data[2:]
                continue
            end = data.find(b"\r\n\r\n") + 4
            limit = self._relay.limits.header_bytes
            if end > limit or (end == 3 and len(data) > limit):
                self._refuse("headers_too_large")
                return
            if end == 3:
                self._held += data
                self._deadline_s = self._relay.now() + self._relay.limits.header_s
                return
            try:
                head = self._head
                if head is not None and self._changes < CHANGES and head.again(data[:end]):
                    self._changes = 0
                else:
                    head = self._head = RequestHead(data[:end])
                    self._changes += 1
                data = self._begin(head, data[end:])
            except (BadHead, BadFraming):
                self._refuse("bad_request")
                return

    def _begin(self, head: RequestHead, data: bytes) -> bytes:
        """Starts the exchange. Returns what follows the request, as far as it has come."""
        relay = self._relay
        if relay.draining and self._requests and not relay.last_call_s:
            self._refuse("draining")
            return b""
        if relay.meter.inflight >= relay.limits.inflight:
            self._refuse("overloaded")
            return b""
        self._requests += 1
        taken = len(data)
        payload: list[bytes] | None = None
        if data and taken == head.framing.length:  # nearly always: a request is a packet
            self._body = None
            complete = True
            payload = [data]
        else:
            body = head.framing.request_body(relay.limits.header_bytes)
            taken = 0
            if body is not None and data:
                payload = [] if relay.observer is not None else None
                taken = body.walk(data, payload)
            complete = body is None or body.finished
            self._body = None if complete else body
        self._deadline_s = _NEVER
        exchange = Exchange(relay, self, head, self._received_s or relay.now())
        self._received_s = 0.0
        self.exchange = exchange
        exchange.start(data if taken == len(data) else data[:taken], payload, complete=complete)
        return data[taken:]

    def _more_body(self, exchange: Exchange, body: Walker, data: bytes) -> None:
        payload: list[bytes] | None = [] if exchange.sends_payload else None
        try:
            taken = body.walk(data, payload)
        except BadFraming:
            exchange.refused("bad_request")
            return
        if body.finished:
            self._body = None
            if taken < len(data):
                self._held += data[taken:]
        exchange.more(data if taken == len(data) else data[:taken], payload, complete=body.finished)

    def _refuse(self, reason: str) -> None:
        """Answers with an error of ours and ends: what follows cannot be read safely."""
        self._relay.meter.rejected(reason)
        self._relay.meter.answered_unread(status_of(reason))
        self.transport.write(own_answer(reason, close=True))
        self._end(linger=True)

    # What the exchange calls

    def finished(self, *, close: bool) -> None:
        """The answer has been handed to the transport, whole."""
        self.exchange = None
        if close:
            self._end(linger=self._body is not None or bool(self._held))
            return
        relay = self._relay
        self._deadline_s = relay.now() + (relay.last_call_s or relay.limits.keepalive_s)
        if self._holds:
            self._holds.clear()
            self._hold_or_read()
        if self._held:
            self._received_s = self._relay.now()
            self._next_requests()
        if (
            self.exchange is None
            and not self._ending
            and (self._half_closed or (relay.draining and not relay.last_call_s and not self._held))
        ):
            self._end(linger=False)

    def cut(self, *, reset: bool) -> None:
        """The answer ends here, unfinished. ``reset``: nothing but a reset can show that."""
        self.exchange = None
        self._ending = True
        if not reset:
            self._deadline_s = self._relay.now() + LINGER_S
            self.transport.close()  # after what has been written: a prefix is worth having
            return
        connection = self.transport.get_extra_info("socket")
        if connection is not None and connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    def leave_http(self) -> bytes:
        """The connection becomes a tunnel. Returns what the client has sent already."""
        held = bytes(self._held)
        self._held.clear()
        self._holds.clear()
        self._hold_or_read()
        return held

    def hold(self, reason: str) -> None:
        """Does not read the client until the reason is released."""
        if not self._holds and not self._ending:
            self._stop_reading()
        self._holds.add(reason)

    def release(self, reason: str) -> None:
        """The reason has gone."""
        if reason in self._holds:
            self._holds.discard(reason)
            self._hold_or_read()

    def release_all(self) -> None:
        """The upstream connection that was the reason has gone."""
        self._holds.intersection_update(("pipelined",))
        self._hold_or_read()

    def _hold_or_read(self) -> None:
        if self._holds:
            self._stop_reading()
        elif not self.transport.is_closing() and not self._half_closed:
            self._unwatch()
            self.transport.resume_reading()

    def _stop_reading(self) -> None:
        self.transport.pause_reading()
        if not self._watched and not self.transport.is_closing():
            self._watched = True
            self._relay.departures.watch(self.transport.get_extra_info("socket"), self._departed)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._relay.departures.forget(self.transport.get_extra_info("socket"))

    def _departed(self) -> None:
        """The client, while it is not read, has closed its side or broken the connection."""
        if self._secure or not peer.still_waits(self.transport.get_extra_info("socket")):
            exchange, self.exchange = self.exchange, None
            if exchange is not None:
                exchange.client_gone()
            self.transport.abort()

    # The end

    def drain(self) -> None:
        """Closes the connection if it is between two requests, after a last call if there is one.

        A fresh one's first request may be on its way.
        """
        if self.exchange is not None or self._held or self._ending:
            return
        last_call_s = self._relay.last_call_s
        wait_s = last_call_s if self._requests else max(last_call_s, FIRST_REQUEST_S)
        if wait_s:
            self._deadline_s = self._relay.now() + wait_s
        else:
            self._end(linger=False)

    def abort(self) -> None:
        """Ends it at once."""
        self.transport.abort()

    def _end(self, *, linger: bool) -> None:
        now = self._relay.now()
        self._ending = True
        self._body = None
        self._held.clear()
        self._holds.clear()
        self._linger_until_s = now + LINGER_S
        if linger and not self._half_closed and self.transport.can_write_eof():
            self._deadline_s = now + LINGER_IDLE_S
            self.transport.write_eof()
            self._hold_or_read()
        else:
            # A client that takes nothing is given as long as one that takes little.
            self._deadline_s = now + self._relay.limits.idle_s
            self.transport.close()

    def check(self, now_s: float) -> None:
        """The sweep: acts if a deadline has passed."""
        exchange = self.exchange
        if exchange is not None:
            exchange.check(now_s)
        elif now_s > self._deadline_s:
            if self._ending:
                self.transport.abort()
            elif self._held:
                self._refuse("header_timeout")
            else:
                self._end(linger=False)
