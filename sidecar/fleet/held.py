"""Parts of a replica until the fleet has counted them, and a while longer: a store that comes back may have lost them.

Bounded in bytes; the oldest go first and are counted in ``dropped``. What was told stays, as far as ``KEPT_TICKS`` go,
to be told again. ``to_bytes`` and ``from_bytes`` carry what was never told over a restart.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Self

import orjson

MOST_BYTES = 64 << 20
KEPT_TICKS = 20


@dataclass(slots=True)
class HeldPart:
    """``field`` is its name in the store: of whom, and labelled by which classifier."""

    tick: int
    field: str
    data: bytes
    told: bool = False


class Held:
    """In the order of ticks.

    >>> held = Held()
    >>> held.add(7, "a", b"...")
    >>> [part.tick for part in held.untold(9)], held.first_untold
    ([7], 7)
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.dropped = 0
        self._most_bytes = most_bytes
        self._parts: list[HeldPart] = []
        self._bytes = 0

    def __len__(self) -> int:
        """How many, told or not."""
        return len(self._parts)

    @property
    def first_untold(self) -> int | None:
        """The oldest tick that has yet to be told."""
        return min((part.tick for part in self._parts if not part.told), default=None)

    def add(self, tick: int, field: str, data: bytes) -> None:
        """A part that is complete."""
        self._parts.append(HeldPart(tick, field, data))
        self._parts.sort(key=lambda part: part.tick)
        self._bytes += len(data)
        while self._bytes > self._most_bytes and len(self._parts) > 1:
            gone = self._parts.pop(0)
            self._bytes -= len(gone.data)
            self.dropped += not gone.told

    def untold(self, most: int, most_bytes: int = 4 << 20) -> list[HeldPart]:
        """The next to be told, at most so many and at least one where there is one."""
        chosen: list[HeldPart] = []
        for part in self._parts:
            if not part.told:
                if chosen and (len(chosen) == most or most_bytes < len(part.data)):
                    break
                chosen.append(part)
                most_bytes -= len(part.data)
        return chosen

    def tell_again(self) -> None:
        """Everything that is still held."""
        for part in self._parts:
            part.told = False

    def counted(self, upcoming: int) -> None:
        """All before tick ``upcoming`` have been counted: of these only the last ``KEPT_TICKS`` are of use."""
        kept = [part for part in self._parts if not part.told or part.tick >= upcoming - KEPT_TICKS]
        self._bytes -= sum(len(part.data) for part in self._parts) - sum(len(part.data) for part in kept)
        self._parts = kept

    def to_bytes(self) -> bytes:
        """What has yet to be told."""
        rows = [[part.tick, part.field, base64.b64encode(part.data).decode()] for part in self._parts if not part.told]
        return orjson.dumps(rows)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The inverse of ``to_bytes``. ValueError where it is none."""
        held = cls()
        try:
            for tick, field, text in orjson.loads(data):
                held.add(int(tick), str(field), base64.b64decode(text, validate=True))
        except TypeError:
            raise ValueError("need what Held.to_bytes wrote") from None
        return held
