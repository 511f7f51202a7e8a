"""How many times a human has spoken in a conversation."""

from __future__ import annotations

import itertools
from collections.abc import Iterable


def human_turns(roles: Iterable[str]) -> int:
    """Runs of ``user`` in the roles of the messages, in order: several messages in a row are one turn.

    >>> human_turns(["system", "user", "user", "assistant", "tool", "assistant", "user"])
    2
    """
    return sum(1 for role, _ in itertools.groupby(roles) if role == "user")
