"""Do requests name their users? Behaviours that must tell users apart see nothing where none does.

A model names none when it had requests within the last day and none of them named a user. Time is that at which
requests began, so a night's silence is no change.
"""

from __future__ import annotations

from typing import Any

DAY_S = 86400.0


class Identities:
    """By model: the last request, and the last that named its user, Unix seconds.

    >>> identities = Identities()
    >>> identities.saw("m", 0.0, named=True)
    >>> identities.saw("m", 90_000.0, named=False)
    >>> identities.unnamed()
    {'m'}
    """

    def __init__(self) -> None:
        self._seen: dict[str, float] = {}
        self._named: dict[str, float] = {}

    def saw(self, model: str, at_s: float, *, named: bool) -> None:
        """One request, in any order."""
        self._seen[model] = max(self._seen.get(model, at_s), at_s)
        if named:
            self._named[model] = max(self._named.get(model, at_s), at_s)

    def unnamed(self) -> set[str]:
        """Models whose requests name nobody, as above."""
        return {
            model
            for model, seen_s in self._seen.items()
            if model not in self._named or seen_s - self._named[model] > DAY_S
        }

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {"seen": self._seen, "named": self._named}

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self._seen, self._named = dict(state["seen"]), dict(state["named"])
