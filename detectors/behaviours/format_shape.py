"""Does the shape of answers move: JSON, code, lists, prose?

Watches the share of each shape among answers that comply in words. Programs read these answers: a model that
starts to wrap its JSON in a sentence, or to answer in bullet points, breaks them without any refusal.

Unit: one exchange counts 0 or 1 in each shape, so the four shares add up to one and move together: a
shift alarms in at least two of them. Assumes that clients ask for shapes alike over time. Breaks
when a client turns a JSON mode on or off, and for copies that were cut in the middle (not counted).
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import complied, observed
from detectors.features.shape import SHAPES, shape
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    if not complied(features) or exchange.truncated or exchange.ended != "complete" or not exchange.output_messages:
        return
    found = shape(exchange.output_messages[0].text)
    if found is not None:
        for stratum in SHAPES:
            yield from observed(behaviour.name, stratum, float(stratum == found), exchange)


behaviour = Behaviour(
    name="format_shape",
    question="Does the share of answers that are JSON, code, lists or prose move?",
    unit="one exchange that complies in words; 1 = its answer has this shape",
    assumes="clients ask for shapes alike over time",
    breaks="JSON modes that are turned on or off",
    observe=_observe,
    by_language=True,
    strata=SHAPES,
    exclusive=False,
)
