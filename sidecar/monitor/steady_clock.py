"""Unix time that goes on where the machine's clock is set back.

Ticks close in order, and what began in a closed one is left out. So after a clock that was set back by two hours two hours would
pass in which nothing is judged. Here time then goes on from where it was, at the pace of the monotonic clock; what the workers
stamped after the change is moved by as much. A clock that is set forward is followed.

With a fleet the store's clock decides, and a replica's own is shown as it is: ``absorb=False``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from sidecar.gateway.capture import Capture

SLACK_S = 1.0
"""Less is no change of the clock: two processes read it a little apart, and it is corrected by as much in passing."""


class SteadyClock:
    """``wall`` is Unix seconds, ``monotonic`` seconds; ``from_s``: Unix time that has passed already, for all that is known.

    >>> wall, run = [1000.0], [0.0]
    >>> clock = SteadyClock(lambda: wall[0], lambda: run[0])
    >>> clock.now()
    1000.0
    >>> wall[0], run[0] = 930.0, 10.0
    >>> clock.now(), clock.back_s(), clock.placed_s(929.0)
    (1010.0, 80.0, 1009.0)
    """

    def __init__(
        self,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        from_s: float = -math.inf,
        *,
        absorb: bool = True,
    ) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._absorb = absorb
        self._offset = max(from_s, wall()) - monotonic()

    def now(self) -> float:
        """Unix seconds, never less than before."""
        return self._read()[0]

    def back_s(self) -> float:
        """By how much the machine's clock is behind ``now()``; 0 within ``SLACK_S``."""
        now, wall = self._read()
        return now - wall if now - wall > SLACK_S else 0.0

    def placed_s(self, stamp_s: float) -> float:
        """When that was which a process stamped ``stamp_s`` with the machine's clock, not long ago.

        What was stamped before the clock was set back stays as it is: moved, it would lie in the future.
        """
        now, wall = self._read()
        back_s = now - wall
        return stamp_s + back_s if back_s > SLACK_S and stamp_s <= wall + SLACK_S else stamp_s

    def placed(self, capture: Capture) -> Capture:
        """``capture``, at its time by this clock."""
        at_s = self.placed_s(capture.started_at_s)
        return capture if at_s == capture.started_at_s else dataclasses.replace(capture, started_at_s=at_s)

    def shown(self, registry: CollectorRegistry) -> None:
        """As a metric."""
        Gauge(
            "kilter_clock_back_seconds",
            "By how much the machine's clock was set back while the monitor's time goes on, 0 where it was not.",
            registry=registry,
        ).set_function(self.back_s)

    def _read(self) -> tuple[float, float]:
        wall = self._wall()  # first: a pause between the two must not look like a clock that ran ahead
        run = self._monotonic()
        self._offset = max(self._offset, wall - run) if self._absorb else wall - run
        return run + self._offset, wall
