"""Does the model refuse more, or less, in one language?

Watches the share of refusals by the language of what the human wrote, not of the answer:
a model that answers Swahili in English would otherwise leave the stratum it fails in.

Unit: one exchange counts 0 or 1. Assumes that the classifier of refusals errs alike over
time; between languages it does not, so rates of two languages are compared only after
correction for its measured errors. Breaks where text holds no language (``und``: code, one
word), and for languages without a lexicon, whose refusals in their own words go unseen.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    return observed(behaviour.name, features.language, refused(features), exchange)


behaviour = Behaviour(
    name="refusal_by_language",
    question="Does the refusal rate move in some language?",
    unit="one exchange with a readable answer; 1 = refusal",
    assumes="the classifier's error in a language does not change over time",
    breaks="languages without a lexicon; texts too short to have a language",
    observe=_observe,
)
