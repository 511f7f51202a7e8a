"""Ollama's own API: ``/api/chat`` and ``/api/generate``, one JSON object a line.

Streams unless the request says otherwise. Calls may have no ids and results then name
their tool (``tool_name``). An error in the middle is a line ``{"error": text}`` under
status 200. ``context`` hands the server's own memory of a conversation back to it.
"""

from __future__ import annotations

from typing import Any, ClassVar

from detectors.records.exchange import Exchange, Message, Role, ToolEvent
from sidecar.gateway.capture import Capture
from sidecar.wire import request as asked
from sidecar.wire.answer import NOTHING, Answer, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, items, mapping, text
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger
from sidecar.wire.turns import human_turns

_ROLES: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def decode(capture: Capture) -> Exchange:
    """The exchange. Never raises."""
    ledger = ToolLedger()
    document, whole = request_document(capture)
    generates = capture.path.endswith("/generate")
    messages, unknown = _prompt(document) if generates else _history(document, ledger)
    history = asked.history(document, whole)
    request = Request(
        document=document,
        model=asked.model(document),
        messages=messages,
        turns=human_turns(message.role for message in messages),
        history_complete="no" if history == "yes" and document.get("context") else history,
        stream=document.get("stream") is not False if whole or "stream" in document else None,
        tools_offered=asked.tools_offered(document),
        unknown=unknown,
    )
    answer = OllamaAnswer()
    read(capture, answer)
    operation = "text_completion" if generates else "chat"
    return exchange(capture, request, answer, ledger, operation=operation, provider=FORMAT.provider)


def _prompt(document: dict[str, Any]) -> tuple[tuple[Message, ...], int]:
    system = text(document.get("system"))
    prompt = Message("user", text(document.get("prompt")))
    return ((Message("system", system), prompt) if system else (prompt,)), 0


def _history(document: dict[str, Any], ledger: ToolLedger) -> tuple[tuple[Message, ...], int]:
    sent, unknown = asked.messages(document, _ROLES)
    return tuple(Message(role, text(each.get("content")), _events(each, role, ledger)) for role, each in sent), unknown


def _events(sent: dict[str, Any], role: Role, ledger: ToolLedger) -> tuple[ToolEvent, ...]:
    if role == "tool":
        name = text(sent.get("tool_name")) or text(sent.get("name"))
        return (ledger.result(text(sent.get("tool_call_id")), name),)
    if role == "assistant":
        ledger.begin_message()
        return _calls(items(sent.get("tool_calls")), ledger)
    return ()


def _calls(calls: list[dict[str, Any]], ledger: ToolLedger) -> tuple[ToolEvent, ...]:
    named = ((text(mapping(call.get("function")).get("name")), text(call.get("id"))) for call in calls)
    return tuple(ledger.call(name, call_id) for name, call_id in named)


class OllamaAnswer(Answer):
    """Lines add up; the last one, ``done``, has the reason and the counts."""

    places: ClassVar[Places] = Places(texts=("content", "response"), passing=("created_at", "logprobs", "thinking"))

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._text: list[str] = []
        self._calls: list[dict[str, Any]] = []
        self._done_reason: str | None = None

    def add(self, event: dict[str, Any]) -> None:
        """One line."""
        if event.get("error"):
            self.error = event
            return
        message = event.get("message")
        if not isinstance(message, dict):
            message = event  # /api/generate says the same without the envelope
            self.unknown += "response" not in event
        piece = text(message.get("content")) or text(event.get("response"))
        calls = items(message.get("tool_calls"))
        self._begun = True
        if piece:
            self._text.append(piece)
        self._calls += calls
        self.model = self.model or text(event.get("model")) or None
        if piece or message.get("thinking") or any(mapping(call.get("function")).get("arguments") for call in calls):
            self.started = True
        if not calls:
            self.only_appended = self._text if piece else NOTHING
        if event.get("done") is True:
            self.only_appended = None
            self.ended = True
            self._done_reason = text(event.get("done_reason")) or None
            self.input_tokens = count(event.get("prompt_eval_count"))
            self.output_tokens = count(event.get("eval_count"))

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """The one message, if any of it has come."""
        if not self._begun:
            return ()
        ledger.begin_message()
        return (Message("assistant", "".join(self._text), _calls(self._calls, ledger), None, self._done_reason),)


FORMAT = WireFormat(
    name="ollama",
    provider="ollama",
    suffixes=("/api/chat", "/api/generate"),
    decode=decode,
)
