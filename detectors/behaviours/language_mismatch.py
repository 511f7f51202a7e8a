"""Does the model answer in another language than it was asked in?

Watches, by the language of what the human wrote, the share of answers in another one. A model that
falls back to English for those who wrote Swahili fails them without refusing.

Unit: one exchange whose question and answer both have a language, and whose answer has at least 60 bytes
of UTF-8 (60 letters of English, 20 signs of Chinese): shorter ones are identified too badly. Languages that identifiers mix up (Norwegian and Danish, Malay and
Indonesian, the South Slavic ones) count as one. Assumes that requests to translate, which rightly mismatch,
keep their share. Breaks for translation services, whose level is high, and for answers that quote at length.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.language import UNDETERMINED
from detectors.features.outcome import observed, readable
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation

ENOUGH_BYTES = 60
_ALIKE = {
    "da": "no",
    "id": "ms",
    "bs": "sr",
    "hr": "sr",
    "gl": "pt",
    "cs": "sk",
}


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    asked, answered = features.language, features.response_language
    if UNDETERMINED not in (asked, answered) and readable(features) and _long_enough(exchange):
        differs = _ALIKE.get(asked, asked) != _ALIKE.get(answered, answered)
        yield from observed(behaviour.name, asked, float(differs), exchange)


def _long_enough(exchange: Exchange) -> bool:
    return (
        bool(exchange.output_messages)
        and len(exchange.output_messages[0].text.strip().encode("utf-8", "ignore")) >= ENOUGH_BYTES
    )


behaviour = Behaviour(
    name="language_mismatch",
    question="Does the share of answers in another language than the question's move?",
    unit="one exchange with a language on both sides; 1 = they differ",
    assumes="requests to translate keep their share",
    breaks="translation services; answers that quote at length",
    observe=_observe,
)
