"""Does the model refuse more, or less, in one language once a conversation has gone on?

Watches the share of refusals by language of what the human wrote and stratum of human turns together (``tr:4-7``).
Alignment wears off over long conversations sooner in languages that had less of it, and a change in such a corner is
thinned in its language by all the short conversations, and in its length by all the other languages.

Unit: one exchange counts 0 or 1. Assumes what ``refusal_by_language`` and ``refusal_by_length`` assume.
Breaks where they break, and where there is little traffic: cells that are too small to be tested are tested
together, as layers of ``rest``, and of the many cells that there could be only so many are told apart by name, those
seen first and those of the baseline; the others are ``other``.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    return observed(behaviour.name, f"{features.language}:{features.length_stratum}", refused(features), exchange)


behaviour = Behaviour(
    name="refusal_by_language_and_length",
    question="Does the refusal rate move in some language at some length of conversation?",
    unit="one exchange with a readable answer; 1 = refusal",
    assumes="the classifier's error in a language, and a stratum's users and requests, are alike over time",
    breaks="little traffic; languages without a lexicon; clients that cut the history they send",
    observe=_observe,
)
