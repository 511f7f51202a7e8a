"""OpenAI Completions, also of vLLM, SGLang, llama.cpp, TGI and Azure: a prompt and its continuations.

Choices are those of Chat with ``text`` for ``delta``; the index runs over prompts times n.
Each prompt is a conversation of one turn, and they are asked together: turns is 1.
"""

from __future__ import annotations

from typing import Any

from detectors.records.exchange import Exchange, Message
from sidecar.gateway.capture import Capture
from sidecar.wire import moderation
from sidecar.wire import request as asked
from sidecar.wire.answer import read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chat_answer import ChatAnswer
from sidecar.wire.openai_chat import SHARED_PATH, azure_deployment
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger


def decode(capture: Capture) -> Exchange | None:
    """The exchange; None on a shared path whose body has no prompt. Never raises."""
    document, whole = request_document(capture)
    if capture.path.endswith(SHARED_PATH) and "prompt" not in document:
        return None
    deployment = azure_deployment(capture.path)
    request = Request(
        document=document,
        model=asked.model(document) or deployment or None,
        messages=_messages(document.get("prompt")),
        turns=1,
        history_complete=asked.history(document, whole),
        stream=asked.streamed(document, whole),
        tools_offered=(),
    )
    answer = ChatAnswer(moderation.policy(document))
    read(capture, answer)
    return exchange(
        capture,
        request,
        answer,
        ToolLedger(),
        operation="text_completion",
        provider="azure.ai.openai" if deployment else FORMAT.provider,
    )


def _messages(prompt: Any) -> tuple[Message, ...]:
    """One message a prompt; token ids are no text."""
    prompts = prompt if isinstance(prompt, list) else [prompt]
    return tuple(Message("user", text) for text in prompts if isinstance(text, str))


FORMAT = WireFormat(
    name="openai.completions",
    provider="openai",
    suffixes=("/completions", SHARED_PATH),
    decode=decode,
    user_fields=(("safety_identifier",), ("user",)),
)
