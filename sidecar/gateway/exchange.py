"""One request and its answer, from the client's head to the last byte back.

Rules of this file:

* Nothing here waits. Each method is an event from one side and acts on the other.
* A generation is not idempotent. A request is sent again only if a connection from the pool
  died before a byte of an answer, every byte sent so far is still at hand, and the method
  (or, for POST, the setting) allows it. And only once.
* An answer that was cut short is cut short for the client too: it is never completed.
* However it ends, ``_end`` runs exactly once: the gauges, the counters and the tap depend on it.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import TYPE_CHECKING

from sidecar.gateway import tapping
from sidecar.gateway.answers import own_answer, status_of
from sidecar.gateway.heads import RequestHead, ResponseHead
from sidecar.gateway.observer import HELD_CHUNK_BYTES, TIMED_PIECES, TOLD_TOGETHER_BYTES, Ended, Tap
from sidecar.gateway.tunnel import Tunnel
from sidecar.gateway.upstream import UpstreamConnection

if TYPE_CHECKING:
    from sidecar.gateway.client import ClientConnection  # which imports this file
    from sidecar.gateway.relay import Relay

KEPT_FOR_RETRY_BYTES = 1 << 20
WAITING_FOR_CONNECTION_BYTES = 1 << 16
_NEVER = float("inf")
_BLANK = bytes(TOLD_TOGETHER_BYTES + HELD_CHUNK_BYTES)
_IDEMPOTENT = frozenset((b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"))


class Exchange:
    """``follows``: the pieces of the answer must be told with ``answer_moved``. ``moved``: a piece has come,
    which is all that the hot path leaves behind; the sweep turns it into a new deadline. ``hold``: keeps what a chunk
    carries until the tap is told, ``held_bytes`` says how much that is; None where chunks, too, are for ``answer_moved``.
    """

    __slots__ = (
        "_began_s",
        "_cells",
        "_close_client",
        "_deadline_s",
        "_ends_with_connection",
        "_held",
        "_keeps",
        "_kept",
        "_kept_bytes",
        "_may_retry",
        "_now",
        "_pieces",
        "_pieces_bytes",
        "_relay",
        "_request_complete",
        "_sent_s",
        "_status",
        "_tap",
        "_timed",
        "_times",
        "_upstream",
        "client",
        "dechunk",
        "follows",
        "head",
        "held_bytes",
        "hold",
        "moved",
        "over",
        "to_head",
        "wants_payload",
        "write",
    )

    def __init__(self, relay: Relay, client: ClientConnection, head: RequestHead, began_s: float) -> None:
        self._relay = relay
        self._now = relay.now
        self.client = client
        self.head = head
        self.write = client.transport.write
        self.to_head = head.method == b"HEAD"
        self.dechunk = head.http10  # HTTP/1.0 knows no chunks
        self._deadline_s = _NEVER
        self.over = False
        self._began_s = began_s
        self._cells = relay.meter.cells(head.method, head.target)
        self._tap: Tap | None = None
        self.wants_payload = self.dechunk
        self._upstream: UpstreamConnection | None = None
        self._may_retry = head.method in _IDEMPOTENT or (head.method == b"POST" and relay.limits.retry_stale_post)
        self._keeps = True  # request bytes: while there is no connection, or for a retry
        self._kept: list[bytes] = []
        self._kept_bytes = 0
        self._request_complete = False
        self._sent_s = 0.0
        self._status = 0  # 0 until the answer's head went out
        self._close_client = not head.keep_alive
        self._ends_with_connection = False
        self.hold: Callable[[bytes], int] | None = None
        self.held_bytes: Callable[[], int]
        self._held: BytesIO | None = None
        self._pieces: list[bytes] | None = None  # of which the tap has not been told; None before the first
        self._pieces_bytes = 0
        self._times: list[float] = []  # theirs, of an answer's first pieces
        self._timed = 0  # pieces that the tap has been told of with their times
        self.follows = True  # until the first piece; then only for a tap
        self.moved = False
        relay.meter.began()

    @property
    def sends_payload(self) -> bool:
        """Whether somebody wants the request's body without its chunk framing."""
        return self._tap is not None

    # The request, from the client

    def start(self, body: bytes, payload: list[bytes] | None, *, complete: bool) -> None:
        """Sends the head and what is there of the body."""
        relay = self._relay
        self._request_complete = complete
        data = relay.request_lines(self.head) + body
        observer = relay.observer
        if observer is not None:
            whole = payload[0] if complete and payload and len(payload) == 1 else None
            self._tap = tapping.begin(observer, relay.counters, self.head, relay.now(), whole)
            if self._tap is not None:
                self.wants_payload = True
                if payload and whole is None:
                    self._tap_request(payload)
        upstream = relay.pool.take()
        if upstream is None:
            self._keep(data)
            relay.pool.dial(self)
        else:
            if self._may_retry:
                self._keep(data)
            self._send_first(upstream, data)

    def more(self, data: bytes, payload: list[bytes] | None, *, complete: bool) -> None:
        """More of the body."""
        self._request_complete = complete
        if self._keeps:
            self._keep(data)
        if payload:
            self._tap_request(payload)
        if self._upstream is not None:
            self._upstream.send(data)
            self._moved()
        elif self._kept_bytes > WAITING_FOR_CONNECTION_BYTES:
            self.client.hold("no connection")

    def _keep(self, data: bytes) -> None:
        self._kept_bytes += len(data)
        self._kept.append(data)
        if self._upstream is not None and self._kept_bytes > KEPT_FOR_RETRY_BYTES:
            self._keep_no_more()

    def _keep_no_more(self) -> None:
        self._keeps = False
        self._kept = []

    def connected(self, upstream: UpstreamConnection) -> None:
        """From the pool: a connection, fresh or reused."""
        if self.over:
            self._relay.pool.give(upstream)
            return
        self.client.release("no connection")
        self._send_first(upstream, b"".join(self._kept))

    def _send_first(self, upstream: UpstreamConnection, data: bytes) -> None:
        self._upstream = upstream
        upstream.begin(self)
        upstream.transport.write(data)
        if not (upstream.reused and self._may_retry) or self._kept_bytes > KEPT_FOR_RETRY_BYTES:
            self._keep_no_more()
        self._moved()

    def not_connected(self, reason: str) -> None:
        """From the pool: there is no connection to be had."""
        if not self.over:
            self.upstream_failed(reason)

    def _moved(self) -> None:
        """Request bytes went on, so the clock starts again."""
        now = self._relay.now()
        if not self._request_complete:
            self._deadline_s = now + self._relay.limits.idle_s
            return
        if not self._sent_s:
            self._sent_s = now
            if self._tap is not None:
                try:
                    if not self._tap.request_sent(now):
                        self._tap = None
                        self.wants_payload = self.dechunk
                except Exception as error:  # noqa: BLE001 - observing must not alter traffic, whatever goes wrong
                    self._untap(error)
        self._deadline_s = now + (self._relay.limits.idle_s if self._status else self._relay.limits.first_byte_s)

    # The answer, from the upstream

    def interim(self, head: bytes) -> None:
        """100 Continue, 103 Early Hints: passed on as they are. HTTP/1.0 does not know them."""
        self._moved()
        if not self.head.http10:
            self.write(head)

    def answered(self, upstream: UpstreamConnection, head: ResponseHead, body: bytes, *, reusable: bool) -> None:
        """A whole answer came at once. Nearly always, where its length is known."""
        now = self._now()
        self.write(self._begin_answer(head, now, ends_with_connection=False) + body)
        if self._sent_s:
            self._relay.meter.first_chunk(self._cells, now - self._sent_s)
        tap, self._tap = self._tap, None
        if tap is not None:
            try:
                tap.answered(head, body, now)
            except Exception as error:  # noqa: BLE001 - as above
                self._untap(error)
        self.answer_ended(upstream, reusable=reusable)

    def answer_began(self, head: ResponseHead, *, ends_with_connection: bool) -> bytes:
        """The head to send to the client."""
        now = self._now()
        if self._tap is not None:
            try:
                self._tap.response_head(head, now)
            except Exception as error:  # noqa: BLE001 - as above
                self._untap(error)
        return self._begin_answer(head, now, ends_with_connection=ends_with_connection)

    def _begin_answer(self, head: ResponseHead, now: float, *, ends_with_connection: bool) -> bytes:
        self._status = head.status
        if self._keeps:
            self._keep_no_more()
        self._ends_with_connection = ends_with_connection or (self.dechunk and head.framing.chunked)
        if self._ends_with_connection or not self._request_complete or self._relay.draining:
            self._close_client = True
        self._deadline_s = now + self._relay.limits.idle_s
        if self._close_client:
            ours = b"Connection: close\r\n"
        elif self.head.http10:
            ours = b"Connection: keep-alive\r\n"
        elif head.as_is:
            return head.raw
        else:
            ours = b""
        return b"HTTP/1.1 %b\r\n%b%b\r\n" % (head.line, head.copy, ours)

    def answer_moved(self, payload: bytes) -> None:
        """Bytes of the body went to the client. ``payload`` is what they carry, if anybody wants it."""
        now = self._now()
        if self.hold is not None:
            self.tell()
            self.hold = None  # what comes next must not overtake this
        pieces = self._pieces
        if pieces is None:
            if self._sent_s:
                self._relay.meter.first_chunk(self._cells, now - self._sent_s)
            self.follows = self._tap is not None
            if not self.follows:
                return
            pieces = self._pieces = []
        if payload:
            pieces.append(payload)
            if self._timed < TIMED_PIECES:
                self._times.append(now)
            self._pieces_bytes += len(payload)
            if len(pieces) >= TIMED_PIECES or self._pieces_bytes >= TOLD_TOGETHER_BYTES:
                self.tell()

    def tell(self) -> None:
        """Tells the tap what has come of the answer since the last time."""
        pieces, times, held = self._pieces, self._times, self._held
        if self._tap is None:
            return
        if pieces:
            self._pieces, self._times, self._pieces_bytes = [], [], 0
            self._timed += len(times)
            if self._timed >= TIMED_PIECES:
                if held is None:
                    held = self._held = BytesIO(_BLANK)  # as large as it gets: a stream has no cause to make it larger
                    self.held_bytes = held.tell
                self.hold = held.write
        elif held is not None and (length := held.tell()):
            pieces = [bytes(held.getbuffer()[:length])]
            held.seek(0)
        else:
            return
        try:
            self._tap.response_body(pieces, times)
        except Exception as error:  # noqa: BLE001 - as above
            self._untap(error)

    def answer_ended(self, upstream: UpstreamConnection, *, reusable: bool) -> None:
        """The answer is whole."""
        if reusable and self._request_complete:
            self._relay.pool.give(upstream)
        else:
            upstream.abort()
        self._end("complete")
        self.client.finished(close=self._close_client)

    def switched(self, upstream: UpstreamConnection, head: bytes, rest: bytes) -> None:
        """101: HTTP is over on both connections."""
        if not self.head.upgrade:
            upstream.abort()
            self.upstream_failed("protocol")
            return
        self._status = 101
        self._deadline_s = _NEVER
        self.write(head + rest)
        self._relay.pool.forget(upstream)
        Tunnel(self.client.transport, upstream.transport, self.client.leave_http(), self._tunnel_ended)

    def _tunnel_ended(self) -> None:
        self._end("complete")
        self.client.connection_lost(None)

    # How it can go wrong

    def upstream_failed(self, reason: str) -> None:
        """``reason`` is one of ``counters.UPSTREAM_ERRORS``; the connection is gone already."""
        upstream = self._upstream
        if reason == "reset" and upstream is not None and upstream.reused and upstream.silent and self._keeps:
            self._upstream = None
            self._may_retry = False
            self.client.release_all()
            self._relay.meter.retried()
            self._relay.pool.dial(self)
            return
        self._relay.meter.upstream_error(reason)
        if self._status:
            self._end("upstream_cut")
            self.client.cut(reset=self._ends_with_connection)
        else:
            self._answer_ourselves(reason)

    def refused(self, reason: str) -> None:
        """The request turned out bad, or stopped arriving, half way through its body."""
        self._relay.meter.rejected(reason)
        if self._upstream is not None:
            self._upstream.abort()
        if self._status:
            self._end("upstream_cut")
            self.client.cut(reset=self._ends_with_connection)
        else:
            self._close_client = True
            self._answer_ourselves(reason)

    def _answer_ourselves(self, reason: str) -> None:
        close = self._close_client or not self._request_complete
        self._end("upstream_cut", status_of(reason))
        self.write(own_answer(reason, close=close, to_head=self.to_head))
        self.client.finished(close=close)

    def client_gone(self) -> None:
        """Nobody waits any more: the upstream must stop working at once."""
        if self._upstream is not None:
            self._upstream.abort()
        self._relay.meter.disconnected()
        self._end("client_aborted")

    def check(self, now_s: float) -> None:
        """The sweep: acts if the deadline has passed."""
        if self.moved:
            self.moved = False
            self._deadline_s = now_s + self._relay.limits.idle_s
        elif now_s > self._deadline_s:
            self._time_out()

    def _time_out(self) -> None:
        if self.client.write_paused:
            # It is the client that takes nothing; what it has not taken is dropped.
            self.client_gone()
            self.client.cut(reset=True)
        elif not self._request_complete and not self._status:
            self.refused("body_timeout")
        else:
            if self._upstream is not None:
                self._upstream.abort()
            self.upstream_failed("timeout_idle" if self._status else "timeout_first_byte")

    # Back-pressure

    def pause_answer(self) -> None:
        """The client reads slowly."""
        if self._upstream is not None:
            self._upstream.pause_reading()

    def resume_answer(self) -> None:
        """The client has caught up."""
        if self._upstream is not None:
            self._upstream.resume_reading()
            self._moved()

    def _end(self, ended: Ended, status: int = 0) -> None:
        now = self._relay.now()
        self.over = True
        self._upstream = None
        self._relay.meter.ended(self._cells, status or self._status, now - self._began_s)
        self.tell()
        if self._tap is not None:
            try:
                self._tap.end(ended, now)
            except Exception as error:  # noqa: BLE001 - as above
                self._untap(error)

    def _tap_request(self, payload: list[bytes]) -> None:
        if self._tap is not None:
            try:
                self._tap.request_body(payload)
            except Exception as error:  # noqa: BLE001 - as above
                self._untap(error)

    def _untap(self, error: Exception) -> None:
        self._tap = None
        self.follows = self.follows and self._pieces is None
        self.hold = None
        self.wants_payload = self.dechunk
        tapping.failed(self._relay.counters, error)
