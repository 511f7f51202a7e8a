"""What the relay tells its observer. Nothing comes back, so observing cannot alter traffic.

Every method returns at once, never raises and never waits. ``pieces`` are immutable ``bytes``
that the observer may keep (bounded); the list is the relay's. Times are ``loop.time()`` seconds.

Heads are shown as the relay has read them. What an observer reads off a head it may leave in
``noted``, which is None at first: on one connection the same head often comes again, changed
in nothing but the number of its Content-Length, and then it is still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

Ended = Literal["complete", "client_aborted", "upstream_cut"]
RawHeaders = Sequence[tuple[bytes, bytes]]

TIMED_PIECES = 16
"""How many pieces of an answer are told with their times, or a few more: what comes first is what is timed."""

TOLD_TOGETHER_BYTES = 8 << 10
"""After ``TIMED_PIECES`` pieces are told together once so much has come. So much of an exchange, about, no budget counts."""

HELD_CHUNK_BYTES = 512
"""Chunks up to here, the events of a stream, are joined as they come."""


class Request(Protocol):
    """A request's head. ``headers`` are all, in order, as received."""

    method: bytes
    target: bytes
    noted: object

    @property
    def headers(self) -> RawHeaders:
        """Read anew at each call."""


class Answer(Protocol):
    """The head of a final answer."""

    status: int
    noted: object

    @property
    def headers(self) -> RawHeaders:
        """Read anew at each call."""


class Tap(Protocol):
    """The copy of one exchange. Calls come in this order; ``end`` exactly once, last, unless the tap
    let go with ``request_sent`` or everything from the answer's head on came at once, ``answered``.
    """

    def request_body(self, pieces: Sequence[bytes]) -> None:
        """Body bytes after transfer decoding, in order."""

    def request_sent(self, at_s: float) -> bool:
        """The last request byte was handed to the upstream's socket. False: no more calls, ``end`` neither."""

    def response_head(self, head: Answer, at_s: float) -> None:
        """The final response head (interim 1xx are not shown)."""

    def response_body(self, pieces: Sequence[bytes], times_s: Sequence[float]) -> None:
        """Body bytes after transfer decoding, before content decoding, in order, and when each piece came.

        Pieces are told some at a time, so their times lie a little back. After ``TIMED_PIECES`` there are none, and
        several pieces may have become one.
        """

    def answered(self, head: Answer, body: bytes, at_s: float) -> None:
        """The whole answer came in one piece: its head, its body and its complete end. No more calls."""

    def end(self, ended: Ended, at_s: float) -> None:
        """No more calls. Answers of the gateway itself (502, 503, 504) are not shown:
        there ``end("upstream_cut")`` comes without a ``response_head``.
        """


class Observer(Protocol):
    """Made once a worker."""

    def begin(self, head: Request, at_s: float, body: bytes | None = None) -> Tap | None:
        """A request's head has been read. None: this exchange is not looked at.

        ``body`` is the whole body where it came with the head; then ``request_body`` is not called.
        """
