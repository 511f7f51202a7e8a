"""OpenAI's ``moderation``: what a request orders, and whether the answer's verdict blocked.

A verdict alone (``flagged``, mode ``score``) is an annotation. It blocks where the request
asked for mode ``block`` on that side.
"""

from __future__ import annotations

from typing import Any

from detectors.records.exchange import Signal
from sidecar.wire.json_value import items, mapping

_SIDES: dict[str, Signal] = {"input": "policy_block_input", "output": "policy_block_output"}


def policy(request: dict[str, Any]) -> dict[str, Any]:
    """The request's own policy: ``{"input": {"mode"}, "output": {"mode"}}``."""
    return mapping(mapping(request.get("moderation")).get("policy"))


def blocks(ordered: dict[str, Any], moderation: Any) -> set[Signal]:
    """The sides on which the answer's ``moderation`` flagged what ``ordered`` says to block."""
    return {
        signal
        for side, signal in _SIDES.items()
        if mapping(ordered.get(side)).get("mode") == "block"
        and any(
            result.get("flagged") is True for result in items(mapping(mapping(moderation).get(side)).get("results"))
        )
    }
