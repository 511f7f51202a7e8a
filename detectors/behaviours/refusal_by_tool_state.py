"""Does the model refuse more, or less, once tools are in play?

Watches the share of refusals by tool state: no tools, offered, called earlier, after a result,
after an error. The states tell "weaker as an agent" (a shift in ``after_result``) from "weaker"
(a shift in all), and keep a tool's outage (``after_error``) from looking like either.

Unit: one conversation counts once a stratum, at its first answer in that state: a chain of calls has
many, and they are not independent. Assumes that the state is read from the request alone, so it
cannot depend on the answer. Breaks for servers that run tools themselves and show no history:
all their exchanges are ``offered``.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.features.tools import STATES
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    return observed(behaviour.name, features.tool_state, refused(features), exchange)


behaviour = Behaviour(
    name="refusal_by_tool_state",
    question="Does the refusal rate move when tools are offered, called, or have answered?",
    unit="one conversation with a readable answer in this state; 1 = its first one refuses",
    assumes="the share of failing tools does not hide in the other states",
    breaks="tools that the server runs unseen",
    observe=_observe,
    by_language=True,
    strata=STATES,
    unit_rule="conversation",
)
