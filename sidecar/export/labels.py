"""Label values that come from traffic, held to closed sets.

Whoever can send a request could otherwise make a series of every word: a value is shown
only if it is well formed and among those allowed, or among the first ``limit`` seen.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence

from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation
from sidecar.export.base import Seen

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

    def fold(self, value: str) -> str:
        """The value, or ``other``."""
        if value in self._known:
            return value
        if self._open and len(self._known) < self._limit and _WELL_FORMED.fullmatch(value):
            self._known.add(value)
            return value
        self._overflow()
        return OTHER


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
        self._strata = {
            behaviour.name: ClosedSet(max(limits.top_tools, limits.top_languages), (), lambda: overflow("stratum"))
            for behaviour in behaviours
            if behaviour.strata is None
        }

    def seen(self, exchange: Exchange, features: Features, observations: Sequence[Observation], protocol: str) -> Seen:
        """The exchange with its labels. ``protocol`` is a wire format's name."""
        return Seen(
            exchange,
            features,
            tuple(self._folded(observation) for observation in observations),
            self._model(exchange),
            self._languages.fold(features.language),
            protocol,
        )

    def _folded(self, observation: Observation) -> Observation:
        closed = self._strata.get(observation.feature)
        if closed is None:
            return observation
        stratum = closed.fold(observation.stratum)
        return observation if stratum == observation.stratum else dataclasses.replace(observation, stratum=stratum)

    def _model(self, exchange: Exchange) -> str:
        # A name that only the request gave counts where the server accepted it: anyone can ask for any name.
        name = exchange.response_model or (exchange.request_model if exchange.error_type is None else None)
        return self._models.fold(name) if name else OTHER
