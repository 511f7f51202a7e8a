"""How often has this user asked for much the same thing?

Two prompts are much the same when at least half of their two-letter pairs are shared
(Jaccard index >= 0.5): that holds for reworded questions in every alphabet. Bounded: the
oldest users, and each user's oldest questions, are forgotten first.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

USERS = 10_000
QUESTIONS = 8
LETTERS = 400
SIMILARITY = 0.5


class Attempts:
    """Counts tries by user.

    >>> attempts = Attempts()
    >>> [attempts.number("ann", text) for text in ("open the door", "please open the door", "what time is it")]
    [1, 2, 1]
    >>> attempts.number("bob", "open the door")
    1
    """

    def __init__(self) -> None:
        self._users: OrderedDict[str, list[tuple[frozenset[tuple[str, str]], int]]] = OrderedDict()

    def number(self, user: str, prompt: str) -> int:
        """1 for a new question, 2 for its second try, …; always 1 when ``user`` is empty."""
        if not user:
            return 1
        questions = self._users.setdefault(user, [])
        self._users.move_to_end(user)
        if len(self._users) > USERS:
            self._users.popitem(last=False)
        pairs = frozenset(pairwise(prompt[:LETTERS].lower()))
        for at, (known, count) in enumerate(questions):
            if len(pairs & known) >= SIMILARITY * len(pairs | known):
                questions[at] = (known, count + 1)
                return count + 1
        questions.append((pairs, 1))
        del questions[:-QUESTIONS]
        return 1
