"""Does the model refuse more, or less, as a conversation goes on?

Watches the share of refusals among answers in each stratum of human turns. Alignment that is
trained on short chats wears off over long ones; the mean over all lengths hides it.

Unit: one exchange counts 0 or 1. Assumes that an answer's length stratum does not depend on
what the model answered before: people who are refused leave, so a stratum's users differ from
the stratum's before it, and only a change within a stratum is a change of the model. Breaks
where clients send a cut history: their turns are few for ever.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.length import STRATA
from detectors.features.outcome import observed, refused
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    return observed(behaviour.name, features.length_stratum, refused(features), exchange)


behaviour = Behaviour(
    name="refusal_by_length",
    question="Does the refusal rate move at some length of conversation?",
    unit="one exchange with a readable answer; 1 = refusal",
    assumes="a stratum's users and requests are alike over time",
    breaks="clients that cut the history they send; turn counts that the server keeps",
    observe=_observe,
    by_language=True,
    strata=STRATA,
)
