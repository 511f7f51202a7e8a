"""Does the model refuse more, or less, for one calling application?

Watches the share of refusals by application (``none`` where the request names none). A prompt
template that one team ships can turn the same model into another; the mean over all applications
hides a small one.

Unit: one exchange counts 0 or 1. Assumes that an application asks the same kind of thing over
time. Breaks when an application changes its system prompt or its purpose: that moves its rate and
is no change of the model, though often what its owner wants to know.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation

NONE = "none"


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    return observed(behaviour.name, exchange.app or NONE, refused(features), exchange)


behaviour = Behaviour(
    name="refusal_by_app",
    question="Does the refusal rate move for some calling application?",
    unit="one exchange with a readable answer; 1 = refusal",
    assumes="an application asks the same kind of thing over time",
    breaks="new system prompts and new purposes of an application",
    observe=_observe,
    by_language=True,
)
