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
from sidecar.wire.eventstream import named
from sidecar.wire.headers import header
from sidecar.wire.json_value import load, mapping, text
from sidecar.wire.tool_ledger import ToolLedger

_BETWEEN = b"\0"
_HELD = re.compile(_BETWEEN + rb'\{"bytes":"([^"]*+)"')
"""What a payload holds, as nearly all are written."""


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


def _unwrapped(payload: bytes) -> bytes:
    held = mapping(load(payload)).get("bytes")
    try:
        return binascii.a2b_base64(held) if isinstance(held, str) else payload
    except ValueError:
        return payload


class InvokeAnswer(MessagesAnswer):
    """Anthropic's answer in Bedrock's envelope."""

    def framed(self, event_type: str, payloads: list[bytes]) -> list[bytes]:
        """The events that chunks hold in base64; what is no such chunk stays as it is."""
        if event_type != "chunk":
            return named(event_type, payloads)
        joined = _BETWEEN + _BETWEEN.join(payloads)
        held = _HELD.findall(joined)
        try:
            if len(held) == len(payloads) and b"\\" not in joined:
                return list(map(binascii.a2b_base64, held))
        except binascii.Error:
            pass
        return [_unwrapped(payload) for payload in payloads]

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
