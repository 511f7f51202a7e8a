"""Which observations count: those that are independent enough to be trials.

Each behaviour names its rule (``Behaviour.unit_rule``). ``conversation``: once in a row within ten minutes.
``pick``: once in a row and length stratum, at the turn that ``picks.py`` chose; so in a stratum that is not one of length
(a language) it counts at its first turn and at the pick of each length stratum that it reaches. A
request sent again, or the second of a turn's many steps, within ten minutes is no new trial. ``user_day``: once a user and day.

A conversation that nothing identifies has a random key, so none of its exchanges can be told to belong
together: it counts at its first turn only, of which it has one. Where turns cannot be told (the
history lives on the server) the first of a conversation in ten minutes counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, get_args

from detectors.records.behaviour import Behaviour
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.records.verdict import Example
from detectors.watch.layered import layered
from detectors.watch.open_tick import OpenTick, Series
from detectors.watch.picks import is_picked, length_begins
from detectors.watch.repeats import Repeats

Reason = Literal["not_picked", "repeat", "no_conversation_key", "no_user_key"]
LEFT_OUT: tuple[Reason, ...] = get_args(Reason)
"""Why an observation does not count."""

REPEAT_S = 600.0
DAY_S = 86400.0


class _Turn:
    """Whether the conversation counts at this turn, asked once for all that an exchange shows. ``length`` names the
    length stratum, empty where turns cannot be told.
    """

    __slots__ = ("length", "picked")

    def __init__(self, sighting: Sighting) -> None:
        self.length = str(length_begins(sighting.turn)) if sighting.turn else ""
        self.picked = bool(sighting.turn) and is_picked(sighting.conversation, sighting.turn or 1)


class Units:
    """``left_out`` counts what did not count, by reason and of what behaviour."""

    def __init__(self, behaviours: Iterable[Behaviour]) -> None:
        self._behaviours = {behaviour.name: behaviour for behaviour in behaviours}
        self._conversations = Repeats(REPEAT_S)
        self._users = Repeats(DAY_S)
        self._rows: dict[Series, Series] = {}
        self.left_out: dict[str, int] = dict.fromkeys(LEFT_OUT, 0)

    def row(self, behaviour: str, stratum: str) -> str:
        """The row of a stratum: itself, unless strata are the outcomes of one choice."""
        known = self._behaviours.get(behaviour)
        return known.row(stratum) if known and known.row else stratum

    def is_row(self, behaviour: str) -> bool:
        """Whether the strata of ``behaviour`` are the outcomes of choices."""
        known = self._behaviours.get(behaviour)
        return bool(known and known.row)

    def count(self, sighting: Sighting, observations: Iterable[Observation], tick: OpenTick) -> list[str]:
        """Adds what counts of one exchange's observations to its tick; the behaviours that it counts in."""
        counted = []
        example: Example | None = None
        turn = _Turn(sighting)
        for observation in observations:
            series, row = self._series(observation.feature, observation.stratum, sighting.model)
            reason = self._reason(sighting, turn, observation.feature, row)
            if reason is not None:
                self.left_out[reason] += 1
                continue
            event = series if observation.value >= 0.5 else None
            if self._behaviours[observation.feature].by_language:
                row, event = layered(row, sighting.language), event and layered(event, sighting.language)
            tick.add(row, sighting.user, sighting.conversation, event)
            example = example or Example(sighting.at_s, sighting.response_id, sighting.trace_id, sighting.app)
            tick.show(row, event, example)
            counted.append(observation.feature)
        return counted

    def _series(self, behaviour: str, stratum: str, model: str) -> tuple[Series, Series]:
        """The series of a stratum and of its row, made once: labels are of closed sets."""
        series: Series = (behaviour, stratum, model)
        row = self._rows.get(series)
        if row is None:
            row = self._rows[series] = (behaviour, self.row(behaviour, stratum), model)
        return series, row

    def candidates(self, sighting: Sighting, features: Iterable[str]) -> dict[str, Reason | None]:
        """Of each behaviour in which an exchange shows something: why it cannot count there, None where it may.

        Only what the exchange itself tells. Whether its conversation or user has counted already is asked by ``count``.
        """
        turn = _Turn(sighting)
        return {feature: self._excluded(sighting, turn, self._behaviours[feature]) for feature in features}

    def row_of(self, observation: Observation, sighting: Sighting) -> Series:
        """The row, or the layer of it, in which an observation would be a trial."""
        _, row = self._series(observation.feature, observation.stratum, sighting.model)
        return layered(row, sighting.language) if self._behaviours[observation.feature].by_language else row

    def _excluded(self, sighting: Sighting, turn: _Turn, behaviour: Behaviour) -> Reason | None:
        if behaviour.needs_identity and sighting.user is None:
            return "no_user_key"
        if _by_user(behaviour, sighting):
            return None
        if not sighting.recognised and sighting.turn != 1:
            return "no_conversation_key"
        return "not_picked" if behaviour.unit_rule == "pick" and turn.length and not turn.picked else None

    def _reason(self, sighting: Sighting, turn: _Turn, feature: str, row: Series) -> Reason | None:
        behaviour = self._behaviours[feature]
        excluded = self._excluded(sighting, turn, behaviour)
        if excluded is not None:
            return excluded
        if _by_user(behaviour, sighting):
            today = f"{int(sighting.at_s // DAY_S)} {sighting.user}"
            return None if self._users.first(today, row, sighting.at_s) else "repeat"
        where = (*row, turn.length) if behaviour.unit_rule == "pick" and turn.length else row
        return None if self._conversations.first(sighting.conversation, where, sighting.at_s) else "repeat"

    def state(self, *, whole: bool) -> dict[str, Any]:
        """JSON-able; see ``restore``. Who has counted only where ``whole``."""
        return {
            "left_out": self.left_out,
            "conversations": self._conversations.state() if whole else None,
            "users": self._users.state() if whole else None,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on from ``state``."""
        self.left_out = {**self.left_out, **state["left_out"]}
        for repeats, saved in ((self._conversations, state["conversations"]), (self._users, state["users"])):
            if saved is not None:
                repeats.restore(saved)


def _by_user(behaviour: Behaviour, sighting: Sighting) -> bool:
    """Whether a user, not a conversation, is what counts once."""
    return behaviour.unit_rule == "user_day" and sighting.user is not None
