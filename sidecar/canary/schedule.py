"""When the next canary is asked, and when a server in trouble is left alone.

Rules of this file
* No clock and no randomness of its own: both are arguments. ``at_s`` is of a clock that never jumps.
* Waits are drawn anew after each canary, from then on. What was missed, by a pause, an outage or a busy
  server, is never made up for: there is no burst.
* One canary is asked at a time, so what is charged is all there is.
"""

from __future__ import annotations

from collections import deque
from random import Random

MINUTE_S = 60.0
DAY_S = 86400.0
_ROUNDING_S = 1e-6
"""So that a wait just as long as was said is long enough, whatever a sum of floats makes of it."""


def wait_s(rng: Random, mean_s: float) -> float:
    """Time until the next arrival of a Poisson process, one every ``mean_s`` > 0 seconds in the mean."""
    return rng.expovariate(1 / mean_s)


class Minute:
    """A budget for any 60 seconds, not only for those of the clock: ``tokens`` >= 1.

    >>> minute = Minute(100)
    >>> minute.charge(75, at_s=5.0)
    >>> minute.wait_s(25, at_s=10.0), minute.wait_s(30, at_s=10.0), minute.wait_s(101, at_s=10.0)
    (0.0, 55.0, inf)
    """

    def __init__(self, tokens: int) -> None:
        if tokens < 1:
            raise ValueError(f"need tokens >= 1, got {tokens}")
        self.tokens = tokens
        self._charged: deque[tuple[float, int]] = deque()

    def wait_s(self, tokens: int, at_s: float) -> float:
        """How long until ``tokens`` more fit; inf where they never do."""
        while self._charged and self._charged[0][0] <= at_s - MINUTE_S + _ROUNDING_S:
            self._charged.popleft()
        over = tokens + sum(used for _, used in self._charged) - self.tokens
        if over <= 0:
            return 0.0
        for charged_s, used in self._charged:
            over -= used
            if over <= 0:
                return charged_s + MINUTE_S - at_s
        return float("inf")

    def charge(self, tokens: int, at_s: float) -> None:
        """Counts ``tokens`` for 60 seconds from ``at_s`` on."""
        self._charged.append((at_s, tokens))


class Breaker:
    """Open after ``errors`` in a row, for ``rest_s``; then one try. Each try that fails doubles the rest, up to a day.

    >>> breaker = Breaker(errors=2, rest_s=300.0)
    >>> for at_s in (0.0, 1.0):
    ...     breaker.failed(at_s)
    >>> breaker.open(300.0), breaker.open(301.0)
    (True, False)
    >>> breaker.failed(301.0)
    >>> breaker.open(900.0), breaker.open(901.0)
    (True, False)
    """

    def __init__(self, errors: int, rest_s: float) -> None:
        if errors < 1 or not rest_s > 0:
            raise ValueError(f"need errors >= 1 and rest_s > 0, got {errors} and {rest_s}")
        self._errors = errors
        self._rest_s = rest_s
        self._in_a_row = 0
        self._until_s = float("-inf")

    def open(self, at_s: float) -> bool:
        """Whether nothing must be asked now."""
        return at_s < self._until_s

    def failed(self, at_s: float) -> None:
        """A canary ended in an error."""
        self._in_a_row += 1
        doublings = self._in_a_row - self._errors
        if doublings >= 0:
            longest_s = max(self._rest_s, DAY_S)
            self._until_s = at_s + min(self._rest_s * 2.0 ** min(doublings, 30), longest_s)

    def worked(self) -> None:
        """A reply came: all is forgotten."""
        self._in_a_row = 0
        self._until_s = float("-inf")
