"""A tap that cannot break the relay: what it raises is caught here, and it is not called again."""

from __future__ import annotations

import logging

from sidecar.gateway.counters import Counters
from sidecar.gateway.observer import Ended, Observer, RawHeaders, Tap

log = logging.getLogger("kilter.gateway")


class SafeTap:
    """The observer's tap of one exchange, or nothing once it has raised."""

    __slots__ = ("_counters", "_tap")

    def __init__(self, tap: Tap, counters: Counters) -> None:
        self._tap: Tap | None = tap
        self._counters = counters

    def request_body(self, pieces: list[bytes]) -> None:
        """See ``Tap``; many pieces at once."""
        try:
            for piece in pieces:
                if self._tap is not None:
                    self._tap.request_body(piece)
        except Exception as error:  # noqa: BLE001 - observing must not alter traffic, whatever goes wrong
            self._drop(error)

    def request_sent(self, at_s: float) -> None:
        """See ``Tap``."""
        try:
            if self._tap is not None:
                self._tap.request_sent(at_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._drop(error)

    def response_head(self, status: int, headers: RawHeaders, at_s: float) -> None:
        """See ``Tap``."""
        try:
            if self._tap is not None:
                self._tap.response_head(status, headers, at_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._drop(error)

    def response_body(self, pieces: list[bytes], at_s: float) -> None:
        """See ``Tap``; many pieces at once."""
        try:
            for piece in pieces:
                if self._tap is not None:
                    self._tap.response_body(piece, at_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._drop(error)

    def end(self, ended: Ended, at_s: float) -> None:
        """See ``Tap``."""
        try:
            if self._tap is not None:
                self._tap.end(ended, at_s)
        except Exception as error:  # noqa: BLE001 - as above
            self._drop(error)

    def _drop(self, error: Exception) -> None:
        self._tap = None
        count_tap_error(self._counters, error)


def begin(
    observer: Observer, counters: Counters, method: bytes, target: bytes, headers: RawHeaders, at_s: float
) -> SafeTap | None:
    """``Observer.begin``; None also when it raises."""
    try:
        tap = observer.begin(method, target, headers, at_s)
    except Exception as error:  # noqa: BLE001 - as above
        count_tap_error(counters, error)
        return None
    return None if tap is None else SafeTap(tap, counters)


def count_tap_error(counters: Counters, error: Exception) -> None:
    """Only the type is logged: the message may quote what was observed."""
    counters.add(counters.cell("kilter_captures_total", "failed"))
    log.error("the observer failed on one exchange: %s", type(error).__name__)
