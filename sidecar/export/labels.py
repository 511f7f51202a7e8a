"""Label values that come from traffic, held to closed sets.

Whoever can send a request could otherwise make a series of every word: a value is shown
only if it is well formed and among those allowed, or among the first ``limit`` seen.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence

from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation
from sidecar.export.base import Seen, Series

OTHER = "other"
NAMES = ("model", "language", "stratum")
_WELL_FORMED = re.compile(r"[\w][\w.:/@>+ -]{0,99}", re.ASCII)


class ClosedSet:
    """``overflow()`` is called for every value that becomes ``other``.

    >>> models = ClosedSet(limit=1)
    >>> models.fold("llama"), models.fold("gpt"), models.fold("llama")
    ('llama', 'other', 'llama')
    """

    def __init__(self, limit: int, allowed: Sequence[str] = (), overflow: Callable[[], None] = lambda: None) -> None:
        self._open = not allowed
        self._limit = limit
        self._known = set(allowed)
        self._overflow = overflow

    def know(self, value: str) -> None:
        """Shows the value by name, whatever the limit."""
        self._known.add(value)

    def fold(self, value: str) -> str:
        """The value, or ``other``."""
        if value in self._known:
            return value
        if self._open and len(self._known) < self._limit and _WELL_FORMED.fullmatch(value):
            self._known.add(value)
            return value
        self._overflow()
        return OTHER


class ClosedCells:
    """Strata that are outcomes of a row: what is past ``limit`` becomes ``other`` within its row, whose trials it keeps.

    >>> cells = ClosedCells(limit=2, row=lambda stratum: stratum.partition(">")[0])
    >>> [cells.fold(stratum) for stratum in ("search>read", "search>send", "search>buy", "read>send", "search>read")]
    ['search>read', 'search>send', 'search>other', 'other>other', 'search>read']
    """

    def __init__(self, limit: int, row: Callable[[str], str], overflow: Callable[[], None] = lambda: None) -> None:
        self._cells = ClosedSet(limit, (), overflow)
        self._row = row
        self._rows: set[str] = set()

    def know(self, stratum: str) -> None:
        """Shows the stratum by name, whatever the limit."""
        self._cells.know(stratum)
        self._rows.add(self._row(stratum))

    def fold(self, stratum: str) -> str:
        """The stratum, or ``other`` of a row that is shown, or of none."""
        row = self._row(stratum)
        if self._cells.fold(stratum) == stratum:
            self._rows.add(row)
            return stratum
        return f"{row if row in self._rows else OTHER}>{OTHER}"


@dataclasses.dataclass(frozen=True, slots=True)
class Limits:
    """How many values of each kind are shown by name; ``models`` allows them by name instead."""

    models: tuple[str, ...] = ()
    top_models: int = 20
    top_languages: int = 20
    top_tools: int = 30


class Labels:
    """Folds what one exchange shows into closed sets. ``overflow(name)`` is told of each ``other``, by one of ``NAMES``."""

    def __init__(self, behaviours: Sequence[Behaviour], limits: Limits, overflow: Callable[[str], None]) -> None:
        self._models = ClosedSet(limits.top_models, limits.models, lambda: overflow("model"))
        self._languages = ClosedSet(limits.top_languages, (), lambda: overflow("language"))
        most = max(limits.top_tools, limits.top_languages)
        self._strata = {
            behaviour.name: ClosedSet(most, (), lambda: overflow("stratum"))
            if behaviour.row is None
            else ClosedCells(2 * most, behaviour.row, lambda: overflow("stratum"))
            for behaviour in behaviours
            if behaviour.strata is None
        }

    def know(self, series: Iterable[Series]) -> None:
        """Shows models and strata by name, whatever the limits: those that a baseline knows must not become ``other``."""
        for behaviour, stratum, model in series:
            self._models.know(model)
            if behaviour in self._strata:
                self._strata[behaviour].know(stratum)

    def seen(self, exchange: Exchange, features: Features, observations: Sequence[Observation], protocol: str) -> Seen:
        """The exchange with its labels. ``protocol`` is a wire format's name."""
        return Seen(
            exchange,
            features,
            tuple(self.folded(observation) for observation in observations),
            self._model(exchange),
            self._languages.fold(features.language),
            protocol,
        )

    def folded(self, observation: Observation) -> Observation:
        """The observation, in a stratum of a closed set."""
        closed = self._strata.get(observation.feature)
        if closed is None:
            return observation
        stratum = closed.fold(observation.stratum)
        return observation if stratum == observation.stratum else dataclasses.replace(observation, stratum=stratum)

    def _model(self, exchange: Exchange) -> str:
        # A name that only the request gave counts where the server accepted it: anyone can ask for any name.
        name = exchange.response_model or (exchange.request_model if exchange.error_type is None else None)
        return self._models.fold(name) if name else OTHER
