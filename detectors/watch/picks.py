"""At which of its turns a conversation counts: once in each length stratum, chosen beforehand.

The turns of one conversation are not independent: counting all of them makes false alarms of
conversations that are merely long. So in the stratum of turns 4 to 7 a conversation counts at the one
turn that a keyed hash of the conversation and the stratum chose: the same after a restart, on every
replica, and whatever is answered. From turn 16 on it is 16 + G, G geometric with
``P(G = g) = p (1 - p)^g``, p = 1/8, the chance of each turn in the stratum before; a
conversation that goes on for ever counts surely, one that ends at turn 31 in seven of eight cases.

Strata that are not strata of length (languages, tools) see the same turns: the first, and each length
stratum's pick.
"""

from __future__ import annotations

import hmac
import math

LAST_DOUBLED = 16
STOP = 1 / 8
"""p of the geometric distribution."""


def picked_turn(conversation: str, first: int) -> int:
    """The turn at which a conversation counts in the stratum that begins with turn ``first``: 1, 2, 4, 8 or 16.

    >>> [picked_turn("ab" * 8, first) for first in (1, 2, 4, 8, 16)]
    [1, 2, 4, 10, 18]
    """
    if first == 1:
        return 1
    digest = hmac.digest(conversation.encode(), b"length %d" % first, "sha256")
    uniform = (int.from_bytes(digest[:8], "big") + 0.5) / 2.0**64
    if first < LAST_DOUBLED:
        return first + int(uniform * first)
    return first + int(math.log(uniform) / math.log(1 - STOP))


def is_picked(conversation: str, turn: int) -> bool:
    """Whether the conversation counts at ``turn`` >= 1."""
    return turn == picked_turn(conversation, length_begins(turn))


def length_begins(turn: int) -> int:
    """The first turn of the length stratum of ``turn`` >= 1.

    >>> [length_begins(turn) for turn in (1, 2, 3, 4, 7, 8, 15, 16, 99)]
    [1, 2, 2, 4, 4, 8, 8, 16, 16]
    """
    return min(1 << (turn.bit_length() - 1), LAST_DOUBLED)
