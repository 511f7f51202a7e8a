"""Context: do answers take longer?

Watches how many exchanges take longer than the median, the .9 and the .99 quantile of the baseline, streamed and
whole answers apart. It says how the service does, not how the model behaves, so it never alarms by
itself: it stands beside an alarm.

Unit: one exchange that ended completely, in seconds from its start to the last byte. Assumes that answers
keep their length (``response_length`` watches that). Breaks with the load of the day, which is why it is context.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import measured
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.measurement import Measurement

STRATA = ("stream", "whole")


def _measure(exchange: Exchange, features: Features) -> Iterator[Measurement]:
    if features.judgements and exchange.ended == "complete":
        yield from measured(behaviour.name, STRATA[not exchange.stream], exchange.duration_s or None, exchange)


behaviour = Behaviour(
    name="duration",
    question="Does the time that answers take move?",
    unit="one complete exchange, in seconds; 1 = above the baseline's quantile",
    assumes="answers keep their length",
    breaks="load; caches; another network",
    strata=STRATA,
    context=True,
    measure=_measure,
)
