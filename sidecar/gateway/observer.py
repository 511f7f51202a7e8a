"""What the relay tells its observer. Nothing comes back, so observing cannot alter traffic.

Every method returns at once, never raises and never waits. ``data`` is an immutable
``bytes`` that the observer may keep (bounded). Times are ``loop.time()`` seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

Ended = Literal["complete", "client_aborted", "upstream_cut"]
RawHeaders = Sequence[tuple[bytes, bytes]]


class Tap(Protocol):
    """The copy of one exchange. Calls come in this order; ``end`` exactly once, last."""

    def request_body(self, data: bytes) -> None:
        """Body bytes after transfer decoding, in order."""

    def request_sent(self, at_s: float) -> None:
        """The last request byte was handed to the upstream's socket."""

    def response_head(self, status: int, headers: RawHeaders, at_s: float) -> None:
        """The final response head (interim 1xx are not shown)."""

    def response_body(self, data: bytes, at_s: float) -> None:
        """Body bytes after transfer decoding, before content decoding, in order."""

    def end(self, ended: Ended, at_s: float) -> None:
        """No more calls. Answers of the gateway itself (502, 503, 504) are not shown:
        there ``end("upstream_cut")`` comes without a ``response_head``.
        """


class Observer(Protocol):
    """Made once a worker."""

    def begin(self, method: bytes, target: bytes, headers: RawHeaders, at_s: float) -> Tap | None:
        """A request's head has been read. None: this exchange is not looked at."""
