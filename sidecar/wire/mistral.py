"""Mistral's API, where the operator has named it: OpenAI Chat but for two things.

A guardrail that blocks a request answers 403, which elsewhere is a matter of permission; and
agents are asked on a path of their own. Where nobody has named Mistral, a request that
carries guardrails says as much itself (``errors.is_guardrail_block``).
"""

from __future__ import annotations

import dataclasses

from detectors.records.exchange import Exchange
from sidecar.gateway.capture import Capture
from sidecar.wire.base import WireFormat
from sidecar.wire.openai_chat import chat_exchange


def decode(capture: Capture) -> Exchange | None:
    """The exchange. Never raises."""
    exchange = chat_exchange(capture, FORMAT.provider)
    if exchange is not None and capture.status == 403:
        return dataclasses.replace(exchange, signals=("policy_block_input",))
    return exchange


FORMAT = WireFormat(
    name="mistral.chat",
    provider="mistral_ai",
    suffixes=("/agents/completions",),
    decode=decode,
    when_named=("/chat/completions",),
    user_fields=(("safety_identifier",), ("user",)),
)
