"""Do more users ask the same thing again?

Watches, of users who come back within the hour, the share that makes nearly the same request once more.
People repeat themselves when an answer was refused, wrong or useless, so it rises where a model gets worse in
ways that no label of a single answer shows.

Unit: one user and day: the first input of the day that follows another of the same user within the hour;
1 = it repeats what is remembered of that user. Inputs too short to tell apart, and requests that name no
user, are not counted. Assumes that a key is one person. Breaks where a key is an application with a
template around every input (they look alike), where clients send a failed request again, and for repetition
in other words.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation

ALL = "all"


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    if features.attempt is not None and features.returning:
        yield from observed(behaviour.name, ALL, float(features.attempt > 1), exchange)


behaviour = Behaviour(
    name="repeated_input",
    question="Does the share of returning users who ask the same again move?",
    unit="one user and day, at the first input that follows another; 1 = nearly the same request",
    assumes="a user key is one person",
    breaks="templates around every input; automatic retries; repetition in other words",
    observe=_observe,
    strata=(ALL,),
    unit_rule="user_day",
    needs_identity=True,
)
