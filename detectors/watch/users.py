"""From how many users counts come, in bounded memory.

The effective number (sum w)^2 / sum w^2 says how many equal users the real ones amount to. The first
``MOST`` users are counted by their keys; those past them count as users of one observation each, since with so
many the number is far above any limit. ``fade`` ends a stretch of time: what is said rests on this stretch and the one
before, so that the past fades, those who came later get their place, and at no moment nobody is known.
"""

from __future__ import annotations

from typing import Any

MOST = 256


class Users:
    """``None`` is an observation that names nobody: a user of its own.

    >>> users = Users()
    >>> for user in ("a", "b", "a", "a", None):
    ...     users.add(user)
    >>> round(users.effective, 2)
    2.27
    """

    def __init__(self) -> None:
        self._weights: dict[str, int] = {}
        self._singles = 0
        self._weights_before: dict[str, int] = {}
        self._singles_before = 0
        self._total = self._squares = 0

    def add(self, user: str | None) -> None:
        """One observation."""
        self._total += 1
        self._squares += 1
        if user is not None and (user in self._weights or len(self._weights) < MOST):
            weight = self._weights.get(user, 0)
            self._squares += 2 * (weight + self._weights_before.get(user, 0))
            self._weights[user] = weight + 1
        else:
            self._singles += 1

    @property
    def effective(self) -> float:
        """0 without observations."""
        return self._total * self._total / self._squares if self._squares else 0.0

    def fade(self) -> None:
        """A new stretch begins; the one before the last is forgotten."""
        self._weights_before, self._singles_before = self._weights, self._singles
        self._weights, self._singles = {}, 0
        self._add_up()

    def _add_up(self) -> None:
        both = dict(self._weights_before)
        for user, weight in self._weights.items():
            both[user] = both.get(user, 0) + weight
        singles = self._singles + self._singles_before
        self._total = sum(both.values()) + singles
        self._squares = sum(weight * weight for weight in both.values()) + singles

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        before = {"weights": self._weights_before, "singles": self._singles_before}
        return {"weights": self._weights, "singles": self._singles, "before": before}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._weights, self._singles = dict(state["weights"]), state["singles"]
        before = state.get("before", {"weights": {}, "singles": 0})  # an older Kilter knew one stretch
        self._weights_before, self._singles_before = dict(before["weights"]), before["singles"]
        self._add_up()
