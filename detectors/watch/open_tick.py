"""The observations of one tick while its exchanges are in flight, and what of them counts.

A user counts at most once in a row and tick, so that in a tick of ten or more nobody is over a tenth. Which of a
user's observations counts, the conversation's keyed hash decides, not the order of arrival: short answers, which
refusals are, arrive first. (Who makes much of many small ticks is seen by the effective number of users.)

A row is a stratum, or, where strata are the outcomes of one choice, all of them together (``Behaviour.row``).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field
from typing import Any

from detectors.records.verdict import Example

Series = tuple[str, str, str]
"""behaviour, stratum or row, model."""

EXAMPLES = 20


@dataclass(slots=True)
class TickCounts:
    """What counted: ``trials`` and ``users`` (None: nobody named) by row, ``events`` by stratum.

    ``happened`` are examples by the stratum in which the event happened, ``others`` by the row in which it did not.
    """

    trials: dict[Series, int] = field(default_factory=dict)
    events: dict[Series, int] = field(default_factory=dict)
    users: dict[Series, list[str | None]] = field(default_factory=dict)
    happened: dict[Series, list[Example]] = field(default_factory=dict)
    others: dict[Series, list[Example]] = field(default_factory=dict)


class OpenTick:
    """``entries`` is how many observations it holds.

    >>> tick = OpenTick()
    >>> for conversation, refused in (("b", True), ("a", False)):
    ...     tick.add(("refusal", "1", "m"), "somebody", conversation, ("refusal", "1", "m") if refused else None)
    >>> tick.counts().trials, tick.counts().events
    ({('refusal', '1', 'm'): 1}, {})
    """

    def __init__(self) -> None:
        self.entries = 0
        # One observation a user, that of the least conversation; of whoever is not named, all.
        self._named: dict[Series, dict[str, tuple[str, Series | None]]] = defaultdict(dict)
        self._unnamed: dict[Series, list[Series | None]] = defaultdict(list)
        self._happened: dict[Series, list[Example]] = defaultdict(list)
        self._others: dict[Series, list[Example]] = defaultdict(list)

    def add(self, row: Series, user: str | None, conversation: str, event: Series | None) -> None:
        """One observation in ``row``; ``event`` is the stratum in which it is one, None where it is none."""
        if user is None:
            self._unnamed[row].append(event)
            self.entries += 1
            return
        users = self._named[row]
        known = users.get(user)
        if known is None:
            self.entries += 1
        if known is None or conversation < known[0]:
            users[user] = conversation, event

    def show(self, row: Series, event: Series | None, example: Example) -> None:
        """Keeps one of the last exchanges that counted in ``row``, as an event of stratum ``event`` or as none."""
        kept = self._others[row] if event is None else self._happened[event]
        kept.append(example)
        if len(kept) > 2 * EXAMPLES:
            kept[:] = _last(kept)

    def counts(self) -> TickCounts:
        """By the rules above."""
        counted = TickCounts()
        counted.happened = {series: _last(examples) for series, examples in self._happened.items()}
        counted.others = {row: _last(examples) for row, examples in self._others.items()}
        for row in sorted({*self._named, *self._unnamed}):
            kept: list[tuple[str | None, Series | None]] = [
                (user, event) for user, (_, event) in sorted(self._named.get(row, {}).items())
            ]
            kept += [(None, event) for event in self._unnamed.get(row, ())]
            counted.trials[row] = len(kept)
            counted.users[row] = [user for user, _ in kept]
            for _, event in kept:
                if event is not None:
                    counted.events[event] = counted.events.get(event, 0) + 1
        return counted

    def state(self) -> dict[str, Any]:
        """JSON-able; see ``restore``."""
        return {
            "named": [
                [row, user, conversation, event]
                for row, users in self._named.items()
                for user, (conversation, event) in users.items()
            ],
            "unnamed": [[row, event] for row, events in self._unnamed.items() for event in events],
            "happened": [[series, asdict(one)] for series, shown in self._happened.items() for one in shown],
            "others": [[row, asdict(one)] for row, shown in self._others.items() for one in shown],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        for row, user, conversation, event in state["named"]:
            self.add(_series(row), user, conversation, _series(event) if event else None)
        for row, event in state["unnamed"]:
            self.add(_series(row), None, "", _series(event) if event else None)
        for name, shown in (("happened", self._happened), ("others", self._others)):
            for series, example in state[name]:
                shown[_series(series)].append(Example(**example))


def _last(examples: list[Example]) -> list[Example]:
    """The last to begin, oldest first."""
    return sorted(examples, key=lambda one: (one.at_s, one.response_id))[-EXAMPLES:]


def _series(raw: list[str]) -> Series:
    behaviour, stratum, model = raw
    return behaviour, stratum, model
