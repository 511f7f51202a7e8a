"""OpenAI Chat Completions, as OpenAI, Azure, Mistral, vLLM, SGLang, llama.cpp, TGI and Ollama speak it."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from detectors.records.exchange import Exchange, Message, Role, ToolEvent
from sidecar.gateway.capture import Capture
from sidecar.wire import moderation
from sidecar.wire import request as asked
from sidecar.wire.answer import read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chat_answer import ChatAnswer
from sidecar.wire.chat_message import call_name, content_text
from sidecar.wire.json_value import items, mapping, text
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger
from sidecar.wire.turns import human_turns

SHARED_PATH = "/invocations"
"""SageMaker's one path, on which vLLM and TGI tell their APIs apart by the body."""

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def decode(capture: Capture) -> Exchange | None:
    """The exchange; None on a shared path whose body has no messages. Never raises."""
    return chat_exchange(capture, FORMAT.provider)


def chat_exchange(capture: Capture, provider: str) -> Exchange | None:
    """The same for another ``provider`` of this API. A path that names a deployment is Azure's."""
    ledger = ToolLedger()
    document, whole = request_document(capture)
    if capture.path.endswith(SHARED_PATH) and "messages" not in document:
        return None
    request = _request(document, whole, ledger)
    answer = ChatAnswer(moderation.policy(document))
    read(capture, answer)
    deployment = azure_deployment(capture.path)
    request.model = request.model or deployment or None
    return exchange(
        capture,
        request,
        answer,
        ledger,
        operation="chat",
        provider="azure.ai.openai" if deployment else provider,
    )


def azure_deployment(path: str) -> str:
    """The deployment that an Azure path names, or nothing.

    >>> azure_deployment("/openai/deployments/gpt/chat/completions")
    'gpt'
    """
    return unquote(path.partition("/deployments/")[2].partition("/")[0])


def _request(document: dict[str, Any], whole: bool, ledger: ToolLedger) -> Request:
    sent, unknown = asked.messages(document, _ROLES)
    messages = [_message(each, role, ledger) for role, each in sent]
    return Request(
        document=document,
        model=asked.model(document),
        messages=tuple(messages),
        turns=human_turns(message.role for message in messages),
        history_complete=asked.history(document, whole),
        stream=asked.streamed(document, whole),
        tools_offered=asked.tools_offered(document),
        unknown=unknown,
    )


def _message(sent: dict[str, Any], role: Role, ledger: ToolLedger) -> Message:
    content = sent.get("content")
    events: tuple[ToolEvent, ...] = ()
    refusal = ""
    if role == "assistant":
        ledger.begin_message()
        events = tuple(ledger.call(name, call_id) for name, call_id in _sent_calls(sent))
        refusal = text(sent.get("refusal"))
        if not isinstance(content, str):
            refusal = refusal or content_text(content, ("refusal",), "refusal")
    elif role == "tool":
        events = (ledger.result(text(sent.get("tool_call_id")), text(sent.get("name"))),)
    return Message(role, content_text(content), events, refusal or None)


def _sent_calls(message: dict[str, Any]) -> list[tuple[str, str]]:
    """(name, id) of the calls of a whole message."""
    calls = [(call_name(call), text(call.get("id"))) for call in items(message.get("tool_calls"))]
    legacy = mapping(message.get("function_call"))
    return [*calls, (text(legacy.get("name")), "")] if legacy else calls


FORMAT = WireFormat(
    name="openai.chat",
    provider="openai",
    suffixes=("/chat/completions", SHARED_PATH),
    decode=decode,
    user_fields=(("safety_identifier",), ("user",)),
    also_called=("azure", "vllm"),
)
