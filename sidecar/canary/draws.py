"""Everything that is drawn, from a secret and a name: the same on every machine and Python.

A draw is HMAC-SHA256(secret, name | counter), cut into 64-bit numbers; a number below n is
had by rejection, so every value is equally likely. No library's random generator takes part,
since those may change between versions. Without the secret nobody can tell the next epoch.

HMAC: RFC 2104.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

SECRET_BYTES = 32
_CONSONANTS = "bcdfghjklmnprstvwz"
_VOWELS = "aeiou"
_FIRST = (
    "Adela", "Benno", "Cosima", "Dragan", "Elodie", "Farid", "Gesine", "Halvard", "Ilka", "Joris", "Kaspar", "Leonie",
    "Mirja", "Nestor", "Oksana", "Pavel", "Quirin", "Rosalia", "Silvan", "Tamsin", "Ulla", "Vito", "Wanda", "Xenia",
    "Yorick", "Zelda",
)  # fmt: skip
_LAST = (
    "Abendroth", "Brackwater", "Calderon-Vey", "Dunmallow", "Estermann", "Fenwright", "Gallowick", "Hartnagel",
    "Iversholt", "Jarrowby", "Kestrelin", "Lindqvarn", "Morrowitz", "Nightingdale", "Ostrander-Pell", "Pomeranz",
    "Quillfeather", "Rosenthorpe", "Stellamond", "Thistlewood", "Umberfield", "Valdemarsen", "Whitcombe-Roe",
    "Yellowlees", "Zabrowick",
)  # fmt: skip


def secret_id(secret: bytes) -> str:
    """Eight hex digits by which a secret may be named in the open."""
    return hashlib.sha256(b"kilter canary secret id|" + secret).hexdigest()[:8]


class Draws:
    """An endless row of draws that follow from ``secret`` and ``name`` alone.

    >>> Draws(bytes(32), "demo").nonce(8) == Draws(bytes(32), "demo").nonce(8)
    True
    """

    def __init__(self, secret: bytes, name: str) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"need a secret of {SECRET_BYTES} bytes, got {len(secret)}")
        self._secret = secret
        self._name = name.encode()
        self._counter = 0
        self._pool: list[int] = []

    def _number(self) -> int:
        if not self._pool:
            message = self._name + b"|" + str(self._counter).encode()
            block = hmac.new(self._secret, message, hashlib.sha256).digest()
            self._counter += 1
            self._pool = [int.from_bytes(block[at : at + 8], "big") for at in (24, 16, 8, 0)]
        return self._pool.pop()

    def below(self, n: int) -> int:
        """Uniform in 0 … n - 1; n >= 1."""
        limit = (1 << 64) - (1 << 64) % n
        while (number := self._number()) >= limit:
            pass
        return number % n

    def share(self) -> float:
        """Uniform in [0, 1)."""
        return (self._number() >> 11) / (1 << 53)

    def choice(self, options: Sequence[T]) -> T:
        """One of ``options``."""
        return options[self.below(len(options))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """All of ``items`` in a drawn order (Fisher-Yates)."""
        order = list(items)
        for last in range(len(order) - 1, 0, -1):
            other = self.below(last + 1)
            order[last], order[other] = order[other], order[last]
        return order

    def nonce(self, length: int) -> str:
        """A word that can be spoken and that nobody has seen: ``length`` letters."""
        return "".join(self.choice(_VOWELS if at % 2 else _CONSONANTS) for at in range(length))

    def name(self) -> str:
        """An invented person."""
        return f"{self.choice(_FIRST)} {self.choice(_LAST)}"
