"""From how many users counts come, in bounded memory.

The effective number (sum w)^2 / sum w^2 says how many equal users the real ones amount to. The first
``MOST`` users are counted by their keys; those past them count as users of one observation each, since with so
many the number is far above any limit. ``fade`` halves all counts, so that the past fades and those who
came later get their place.
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

    def add(self, user: str | None) -> None:
        """One observation."""
        if user is not None and (user in self._weights or len(self._weights) < MOST):
            self._weights[user] = self._weights.get(user, 0) + 1
        else:
            self._singles += 1

    @property
    def effective(self) -> float:
        """0 without observations."""
        total = sum(self._weights.values()) + self._singles
        squares = sum(weight * weight for weight in self._weights.values()) + self._singles
        return total * total / squares if squares else 0.0

    def fade(self) -> None:
        """Halves every count; whoever had one is forgotten."""
        self._weights = {user: weight // 2 for user, weight in self._weights.items() if weight > 1}
        self._singles //= 2

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {"weights": self._weights, "singles": self._singles}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._weights, self._singles = dict(state["weights"]), state["singles"]
