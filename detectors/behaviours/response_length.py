"""Do answers grow or shrink?

Watches how many answers are longer than the median, the .9 and the .99 quantile of the baseline, by the
length of the conversation. Three rates instead of a mean, which one endless answer moves: shorter answers
show at the median, runaway ones at .99.

Unit: one exchange whose answer complies in words, in characters of choice 0. Refusals are short, and their share has
behaviours of its own; tool calls alone have no length. Assumes that clients ask for the same lengths
over time. Breaks when a client changes ``max_tokens`` or asks for brevity, for copies that were cut (not
counted), and between scripts: Chinese says in 100 characters what English says in 350.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.length import STRATA
from detectors.features.outcome import complied, measured
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.measurement import Measurement


def _measure(exchange: Exchange, features: Features) -> Iterator[Measurement]:
    if complied(features) and exchange.ended == "complete" and not exchange.truncated:
        length = len(exchange.output_messages[0].text.strip()) if exchange.output_messages else 0
        yield from measured(behaviour.name, features.length_stratum, float(length) or None, exchange)


behaviour = Behaviour(
    name="response_length",
    question="Does the length of answers move at some length of conversation?",
    unit="one exchange that complies in words, in characters; 1 = above the baseline's quantile",
    assumes="clients ask for the same lengths over time",
    breaks="changed `max_tokens`; another mix of scripts",
    strata=STRATA,
    measure=_measure,
    by_language=True,
)
