"""Does the model take back its refusals within a conversation?

Watches the share of answers that comply among those that come right after a refusal in the same
conversation, by its length. Whatever was said in between (a rephrasing, a role to play, mere
insistence) worked. ``persistence_yield`` needs the same request and a user; this needs neither.

Unit: one conversation counts once a stratum, at the first answer there that follows a refusal; 1 = not
refused. Assumes that people react to a refusal alike over time: most change the subject, which complies too,
so the level says little and only its drift counts. Breaks where conversations cannot be told apart (no id, and a
first message that others share), and after an hour between the two answers.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.length import STRATA
from detectors.features.outcome import observed
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange
from detectors.records.features import Features
from detectors.records.observation import Observation


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    complied = features.complied_after_refusal
    if complied is not None:
        yield from observed(behaviour.name, features.length_stratum, float(complied), exchange)


behaviour = Behaviour(
    name="refused_then_complied",
    question="Does the share of refusals that the next answer takes back move?",
    unit="one conversation with an answer right after a refusal; 1 = not refused again",
    assumes="people react to a refusal alike over time",
    breaks="conversations without an id of their own; long pauses",
    observe=_observe,
    by_language=True,
    strata=STRATA,
    unit_rule="conversation",
)
