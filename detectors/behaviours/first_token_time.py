"""Context: does the first token of streamed answers come later?

Watches how many streamed answers begin later than the median, the .9 and the .99 quantile of the baseline.
It says how the service does, not how the model behaves, so it never alarms by itself: it stands beside an
alarm, since a new build, quantisation or load often moves both.

Unit: one streamed exchange, in seconds from the request sent to the model server until its first content. Assumes that prompts
keep their length. Breaks with the load of the day, which is why it is context.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import measured
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.measurement import Measurement

STREAM = "stream"


def _measure(exchange: Exchange, features: Features) -> Iterator[Measurement]:
    if features.judgements and exchange.stream:
        yield from measured(behaviour.name, STREAM, exchange.time_to_first_chunk_s, exchange)


behaviour = Behaviour(
    name="first_token_time",
    question="Does the time to the first token of streamed answers move?",
    unit="one streamed exchange, in seconds; 1 = above the baseline's quantile",
    assumes="prompts keep their length",
    breaks="load; caches; another network",
    strata=(STREAM,),
    context=True,
    measure=_measure,
)
