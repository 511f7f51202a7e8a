"""What a file of ``detectors/behaviours`` offers to the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A watched behaviour: its question, its unit, and how an exchange is counted.

    ``observe(exchange, features)`` never raises on any Exchange, reads no clock, and
    returns observations whose ``feature`` is ``name``. ``strata`` is the closed set of
    strata, or None where they come from the traffic (languages, tools) and the shell
    folds what is past its top K into ``other``.
    """

    name: str
    question: str
    unit: str
    assumes: str
    breaks: str
    observe: Callable[[Exchange, Features], Iterable[Observation]]
    strata: tuple[str, ...] | None = None
