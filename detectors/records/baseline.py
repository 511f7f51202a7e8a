"""What was usual: the counts that later ones are compared with, frozen when a person promoted them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

OVERALL = "overall"
"""Stratum of a behaviour as a whole, tested with its strata as layers, so that their mix may move."""
REST = "rest"
"""Stratum of all that were too small to be tested alone; they are its layers."""


@dataclass(frozen=True, slots=True)
class Layer:
    """``events`` of ``trials`` in ``stratum``, counted by the unit rules."""

    stratum: str
    events: int
    trials: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What one stratum is compared with: itself, or the layers that make up ``OVERALL`` or ``REST``.

    ``users`` is the effective number they came from. ``weight`` is its part of the false-alarm budget; those of a baseline
    sum to 1. ``odds_margin`` >= 1: within this odds ratio a rate is no drift. ``over_dispersion`` is the variance of rates
    over the binomial one, observed between stretches of the learning, nan below two; ``between_day_sd`` is a rate,
    nan below two days.
    """

    behaviour: str
    stratum: str
    model: str
    layers: tuple[Layer, ...]
    users: float
    weight: float
    odds_margin: float
    over_dispersion: float
    between_day_sd: float

    @property
    def events(self) -> int:
        """Of all layers."""
        return sum(layer.events for layer in self.layers)

    @property
    def trials(self) -> int:
        """Of all layers."""
        return sum(layer.trials for layer in self.layers)

    @property
    def rate(self) -> float:
        """In [0, 1], at the reference's own mix of layers."""
        return self.events / self.trials

    @property
    def series(self) -> tuple[str, str, str]:
        """(behaviour, stratum, model)."""
        return self.behaviour, self.stratum, self.model


@dataclass(frozen=True, slots=True)
class Threshold:
    """``value`` is the ``quantile`` in (0, 1) of what ``behaviour`` measured in ``stratum``; above it is an event."""

    behaviour: str
    stratum: str
    model: str
    quantile: float
    value: float


@dataclass(frozen=True, slots=True)
class Baseline:
    """Everything a promotion froze. ``classifier`` is the digest of the classifier that labelled it, ``counting`` the version
    of the unit rules by which it was counted: counts are comparable only where both are the same. Times are
    Unix seconds; ``ticks`` of ``tick_s`` seconds on ``days`` days were counted, by which a stratum's trials a tick are planned.
    """

    references: tuple[Reference, ...]
    thresholds: tuple[Threshold, ...]
    tick_s: float
    ticks: int
    days: int
    collected_from_s: float
    collected_to_s: float
    promoted_at_s: float
    classifier: str
    counting: int

    @property
    def id(self) -> str:
        """Twelve hex digits that follow from everything in it."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:12]

    @property
    def models(self) -> tuple[str, ...]:
        """In order of their names."""
        return tuple(sorted({reference.model for reference in self.references}))

    def to_json(self) -> str:
        """The same bytes for the same baseline."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The inverse of ``to_json``. ValueError where it is no baseline; quotes nothing of it."""
        try:
            raw: Mapping[str, Any] = json.loads(text)
            references = tuple(_reference(row) for row in raw["references"])
            thresholds = tuple(Threshold(**row) for row in raw["thresholds"])
            return cls(**{**raw, "references": references, "thresholds": thresholds})
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError("need a baseline as `to_json` writes it, got something else") from None


def _reference(row: Mapping[str, Any]) -> Reference:
    return Reference(**{**row, "layers": tuple(Layer(**layer) for layer in row["layers"])})
