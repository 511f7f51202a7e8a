"""Does a filter block more, or less: what people ask, what the model says, or the model by its refusal field?

Watches three shares apart. ``input``: the provider's filter or a guardrail stopped the request before the
model answered. ``output``: it stopped the answer. ``structured``: the model itself refused in the field that its
API has for that. The first two are not the model's doing, and a filter that is retuned must not read
as a model that changed its mind; so they are in no refusal rate.

Unit: one exchange that was answered or blocked counts 0 or 1 in each share, also where the block is
sent as an HTTP error. Other errors are not counted. Assumes that the server reports a block in the
ways its wire format documents. Breaks where a filter answers in the model's place with plain text,
which then reads as a refusal.
"""

from __future__ import annotations

from collections.abc import Iterator

from detectors.features.outcome import observed
from detectors.records.behaviour import Behaviour
from detectors.records.exchange import Exchange, Signal
from detectors.records.features import Features
from detectors.records.observation import Observation

_SIGNALS: dict[str, Signal] = {
    "input": "policy_block_input",
    "output": "policy_block_output",
    "structured": "model_refusal_structured",
}


def _observe(exchange: Exchange, features: Features) -> Iterator[Observation]:
    if features.judgements or exchange.signals:
        for stratum, signal in _SIGNALS.items():
            yield from observed(behaviour.name, stratum, float(signal in exchange.signals), exchange)


behaviour = Behaviour(
    name="policy_block",
    question="Does the share of exchanges that a filter, or the model's refusal field, blocks move?",
    unit="one exchange that was answered or blocked; 1 = blocked in this way",
    assumes="the server reports blocks as its wire format documents",
    breaks="filters that answer in plain text in the model's place",
    observe=_observe,
    by_language=True,
    strata=tuple(_SIGNALS),
    exclusive=False,
)
