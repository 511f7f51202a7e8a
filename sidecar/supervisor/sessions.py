"""Who has given the token lately: for forms of the page, so that it is typed once in a quarter of an hour."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable

LENGTH_S = 900.0
MOST = 16
"""Sessions at a time; the oldest goes."""


class Sessions:
    """``clock``: seconds that never jump. Only hashes of the names are kept, and in memory.

    >>> now = 0.0
    >>> sessions = Sessions(lambda: now)
    >>> name = sessions.begin()
    >>> sessions.hold(name), sessions.hold(""), sessions.hold("guessed")
    (True, False, False)
    >>> now = 901.0
    >>> sessions.hold(name)
    False
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until_s: dict[bytes, float] = {}

    def begin(self) -> str:
        """The name of a new session, which lasts ``LENGTH_S`` and is never made longer."""
        name = secrets.token_urlsafe(32)
        self._until_s[_hashed(name)] = self._clock() + LENGTH_S
        while len(self._until_s) > MOST:
            del self._until_s[next(iter(self._until_s))]
        return name

    def hold(self, name: str) -> bool:
        """Whether the session is one, and not over."""
        return self._clock() < self._until_s.get(_hashed(name), 0.0)

    def end(self, name: str) -> None:
        """It holds no more."""
        self._until_s.pop(_hashed(name), None)


def _hashed(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
