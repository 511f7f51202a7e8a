"""Whether somebody has counted in a stratum already: requests sent again, steps of one turn, retries.

Rules of this file
* Memory is bounded in number and time; who was seen longest ago is forgotten first.
* What has been counted is a set of numbers, kept as the bits of one integer a conversation: a
  conversation counts in a dozen strata, and there are tens of thousands of conversations.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any


class Repeats:
    """Remembers at most ``most`` of whoever counted, each for ``forget_after_s`` from the first time.

    >>> repeats = Repeats(forget_after_s=600)
    >>> repeats.first("c", ("refusal_by_length", "1"), 0), repeats.first("c", ("refusal_by_length", "1"), 599)
    (True, False)
    >>> repeats.first("c", ("refusal_by_length", "1"), 601)
    True
    """

    def __init__(self, forget_after_s: float, most: int = 50_000) -> None:
        self.forget_after_s = forget_after_s
        self.most = most
        self._bits: dict[tuple[str, ...], int] = {}
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._seen)

    def first(self, who: str, where: tuple[str, ...], at_s: float) -> bool:
        """Whether ``who`` has not counted in ``where`` lately; from now on they have."""
        bit = 1 << self._bits.setdefault(where, len(self._bits))
        since_s, counted = self._seen.get(who, (at_s, 0))
        if at_s - since_s > self.forget_after_s:
            since_s, counted = at_s, 0
        if counted & bit:
            return False
        if who not in self._seen and len(self._seen) >= self.most:
            self._seen.popitem(last=False)
        self._seen[who] = since_s, counted | bit
        return True

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "bits": [list(where) for where in self._bits],
            "seen": [[who, since_s, hex(counted)] for who, (since_s, counted) in self._seen.items()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._bits = {tuple(where): bit for bit, where in enumerate(state["bits"])}
        self._seen = OrderedDict((who, (since_s, int(counted, 16))) for who, since_s, counted in state["seen"])
