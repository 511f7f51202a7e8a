"""Amazon Bedrock: Converse, and InvokeModel with Anthropic's bodies, each with its stream.

The model stands in the path. Streams are binary (``eventstream``). Errors name themselves in
a header. InvokeModel passes a model's own format through: an answer of Anthropic's, or a
stream whose events hold one of Anthropic's each, in base64. Bodies of other models are
opaque. A guardrail that steps in says so in the stop reason, or beside Anthropic's body.
"""

from __future__ import annotations

import binascii
import re
from typing import Any
from urllib.parse import unquote

from detectors.records.exchange import Exchange
from sidecar.gateway.capture import Capture
from sidecar.wire.answer import read
from sidecar.wire.anthropic_messages import MessagesAnswer, messages_request
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.bedrock_converse import ConverseAnswer, converse_request, guardrail_block
from sidecar.wire.body import request_document
from sidecar.wire.headers import header
from sidecar.wire.json_value import mapping, text
from sidecar.wire.tool_ledger import ToolLedger

_HELD = re.compile(rb'\{"chunk":\{.*?"bytes"\s*:\s*"([A-Za-z0-9+/=]*+)"', re.DOTALL)


def decode(capture: Capture) -> Exchange | None:
    """The exchange; None where the path names no model, or the body is another model's. Never raises."""
    model, _, verb = capture.path.rpartition("/model/")[2].rpartition("/")
    if not model or "/model/" not in capture.path:
        return None
    ledger = ToolLedger()
    document, whole = request_document(capture)
    answer: ConverseAnswer | InvokeAnswer
    if verb.startswith("converse"):
        request = converse_request(document, whole, ledger)
        answer = ConverseAnswer()
    elif "anthropic_version" in document:
        request = messages_request(document, whole, ledger)
        answer = InvokeAnswer()
    else:
        return None
    request.model = unquote(model)
    request.stream = verb.endswith("-stream")
    read(capture, answer)
    if capture.status >= 400:
        answer.error = {"code": _error_name(capture, answer.error or {})}
    return exchange(capture, request, answer, ledger, operation="chat", provider=FORMAT.provider)


def _error_name(capture: Capture, document: dict[str, Any]) -> str:
    """``ValidationException`` of ``ValidationException:http://…`` or ``com.amazon…#ValidationException``."""
    name = header(capture.response_headers, "x-amzn-errortype") or text(document.get("__type"))
    return name.partition(":")[0].rpartition("#")[2]


def _unwrapped(event: bytes) -> bytes:
    held = _HELD.match(event)
    try:
        return binascii.a2b_base64(held[1]) if held else event
    except binascii.Error:
        return event


class InvokeAnswer(MessagesAnswer):
    """Anthropic's answer in Bedrock's envelope."""

    def unwrapped(self, events: list[bytes]) -> list[bytes]:
        """The events that frames hold in base64; what is no such frame stays as it is."""
        return [_unwrapped(event) for event in events]

    def add(self, event: dict[str, Any]) -> None:
        """A piece of the stream, or an error."""
        super().add(event)
        self._guard(event)

    def add_document(self, document: dict[str, Any]) -> None:
        """The whole answer, or what a stream begins with."""
        super().add_document(document)
        self._guard(document)

    def _guard(self, said: dict[str, Any]) -> None:
        if said.get("amazon-bedrock-guardrailAction") == "INTERVENED":
            self.signals |= guardrail_block(mapping(mapping(said.get("amazon-bedrock-trace")).get("guardrail")))


FORMAT = WireFormat(
    name="bedrock",
    provider="aws.bedrock",
    suffixes=("/converse", "/converse-stream", "/invoke", "/invoke-with-response-stream"),
    decode=decode,
    user_fields=(("metadata", "user_id"),),
)
