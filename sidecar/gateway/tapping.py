"""An observer cannot break the relay: what it raises ends here, and its tap is not called again."""

from __future__ import annotations

import logging

from sidecar.gateway.counters import Counters
from sidecar.gateway.observer import Observer, Request, Tap

log = logging.getLogger("kilter.gateway")


def begin(observer: Observer, counters: Counters, head: Request, at_s: float, body: bytes | None) -> Tap | None:
    """``Observer.begin``; None also when it raises."""
    try:
        return observer.begin(head, at_s, body)
    except Exception as error:  # noqa: BLE001 - observing must not alter traffic, whatever goes wrong
        failed(counters, error)
        return None


def failed(counters: Counters, error: Exception) -> None:
    """Counts and logs. Only the type is logged: the message may quote what was observed."""
    counters.add(counters.cell("kilter_captures_total", "failed"))
    log.error("the observer failed on one exchange: %s", type(error).__name__)
