"""Does the model refuse more, or less, after certain tools?

Watches the share of refusals by the last two tools whose results the model has seen since the
human spoke (``none``, ``search``, ``search>send_email``). Agents are declined, or talked out of
declining, in the middle of a chain of calls that looks harmless step by step.

Unit: one conversation counts once a stratum, at its first answer after that sequence: the
exchanges of one chain are not independent. Assumes that the client names its tools alike over
time. Breaks where tools are renamed: the old sequence dries up and the new one has no baseline.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed, refused
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    return observed(behaviour.name, features.tool_sequence, refused(features), exchange)


behaviour = Behaviour(
    name="refusal_by_tool_sequence",
    question="Does the refusal rate move after some sequence of tools?",
    unit="one conversation with a readable answer after this sequence; 1 = its first one refuses",
    assumes="tools keep their names",
    breaks="renamed tools; histories that live on the server",
    observe=_observe,
    by_language=True,
    unit_rule="conversation",
)
