"""Does the model go round in circles with its tools more often?

Watches the share of chains (all steps for one human turn) that call one tool, or two in turn, over and
over: six steps in a row, or four rounds of two. It costs money, and a model that has lost the thread of a
task shows it here before it shows in any answer.

Unit: one chain with at least one tool result counts once: 1 at the step at which it first loops, 0 at the
answer that ends it without. Assumes that tasks which rightly need one tool six times in a row stay as
rare as they were. Breaks where work is paging (the same call with another page), since arguments are not
read, and for chains that a client stops before a loop or an answer: they are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.features.transitions import chain_looped
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation

ALL = "all"


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    looped = chain_looped(exchange)
    if looped is not None and refused(features) is not None:
        yield from observed(behaviour.name, ALL, float(looped), exchange)


behaviour = Behaviour(
    name="tool_loop",
    question="Does the share of tool chains that go round in circles move?",
    unit="one chain of tool calls for a human turn; 1 = it loops",
    assumes="tasks that rightly repeat a tool stay as rare as they were",
    breaks="paging through results; chains that are stopped from outside",
    observe=_observe,
    strata=(ALL,),
)
