"""Does the model refuse in the middle of a chain of tool calls?

Watches the share of refusals among answers given when the last thing the model saw was a tool's result, by
how many steps of tools it had taken since the human spoke. An agent that declines at the fifth step has already
acted on the first four; and one that stops declining there was talked out of it step by step.

Unit: one conversation counts once a stratum, at its first exchange there: the steps of one chain are
not independent. Assumes that chains of a length come from the same kinds of tasks over time. Breaks for servers that run
tools themselves and show no history, and where a tool's outage lengthens chains (``refusal_by_tool_state`` keeps
those apart).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.features.tools import steps_since_human
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation

STRATA = ("1", "2-3", "4-7", "8+")
_LAST_STEP = (1, 3, 7)


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    steps = len(steps_since_human(exchange))
    if steps:
        yield from observed(behaviour.name, STRATA[bisect_left(_LAST_STEP, steps)], refused(features), exchange)


behaviour = Behaviour(
    name="refusal_after_tool_result",
    question="Does the refusal rate move after some number of tool steps?",
    unit="one conversation with a tool result at this depth; 1 = its first answer there refuses",
    assumes="chains of a length come from the same kinds of tasks",
    breaks="tools that the server runs unseen; outages that lengthen chains",
    observe=_observe,
    by_language=True,
    strata=STRATA,
    unit_rule="conversation",
)
