"""Does another tool follow a tool than used to?

Watches, for each tool, where conversations go from it: to another tool, to itself, or to an answer. The
strata are ``search>send_email``, ``search>answer``, ``start>search``. Of the conversations that visit ``search``
(the row), the share that goes on to ``send_email`` (the cell) is a rate like any other; a cell never seen in the
baseline is found like one that was rare.

Unit: one conversation counts once a row, at the first of its exits: the exits of one conversation are
not independent. An exit with parallel calls goes to the first of them. Chat without tools is not
counted. Assumes that clients name tools alike over time and offer the same ones. Breaks when a tool is
added or renamed: its row has no baseline, and its callers' cells move.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.features.tools import NAME
from detectors.features.transitions import transitions
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation

ARROW = ">"


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    in_play = exchange.tools_offered or features.tool_sequence != "none"
    if in_play and refused(features) is not None:
        source, target = (_one_name(name) for name in transitions(exchange)[0])
        yield from observed(behaviour.name, f"{source}{ARROW}{target}", 1.0, exchange)


def _one_name(name: str) -> str:
    """A tool's name as half of a stratum: cut, and without the sign that parts the halves."""
    return name[:NAME].replace(ARROW, "-") or "unnamed"


def _row(stratum: str) -> str:
    return stratum.partition(ARROW)[0]


behaviour = Behaviour(
    name="tool_transition",
    question="Does another tool, or an answer, follow some tool than used to?",
    unit="one conversation that visits a tool; 1 = its first exit from there goes to this tool",
    assumes="tools keep their names, and the same ones are offered",
    breaks="tools that are added or renamed",
    observe=_observe,
    unit_rule="conversation",
    row=_row,
)
