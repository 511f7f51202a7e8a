"""Gemini's generateContent and streamGenerateContent, of the Gemini API and of Vertex AI.

The model and whether to stream stand in the path. A stream comes as SSE or, unless that is
asked for, as one JSON array; each of its chunks is an answer of its own, whose parts add to
those before, and whose usage replaces the last. Nothing marks the end but finish reasons.

A prompt that policy blocks is answered with status 200, a block reason and no candidate.
"""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import unquote

from detectors.records.exchange import Exchange, Message, Role, ToolEvent
from sidecar.gateway.capture import Capture
from sidecar.wire import request as asked
from sidecar.wire.answer import MAX_CHOICES, Answer, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, items, last_member, mapping, text, total
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger
from sidecar.wire.turns import human_turns

_ROLES: dict[str, Role] = {"user": "user", "": "user", "model": "assistant", "function": "tool", "system": "system"}
_POLICY_FINISHES = frozenset(
    (
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    )
)
_NAMED_TOOLS = ("functionDeclarations", "function_declarations", "mcpServers")
_CALLS = ("functionCall", "executableCode", "toolCall")
_RESULTS = ("functionResponse", "codeExecutionResult", "toolResponse")
_SILENT = ("text", "thought", "thoughtSignature", "inlineData", "fileData", "videoMetadata")
_UNDERSCORED = {"function_call": "functionCall", "function_response": "functionResponse"}
"""Requests may be spelt so; answers are not."""

_SAID_NOTHING = ("", "FINISH_REASON_UNSPECIFIED", "BLOCK_REASON_UNSPECIFIED", "BLOCKED_REASON_UNSPECIFIED")


def decode(capture: Capture) -> Exchange:
    """The exchange. Never raises."""
    ledger = ToolLedger()
    document, whole = request_document(capture)
    request = _request(document, whole, ledger)
    resource, _, verb = capture.path.rpartition(":")
    request.model = unquote(resource.rpartition("/")[2]) or None
    request.stream = verb.startswith("stream")
    answer = GeminiAnswer()
    read(capture, answer)
    provider = "gcp.vertex_ai" if "/projects/" in capture.path else FORMAT.provider
    return exchange(capture, request, answer, ledger, operation="generate_content", provider=provider)


def _request(document: dict[str, Any], whole: bool, ledger: ToolLedger) -> Request:
    instruction = mapping(document.get("systemInstruction") or document.get("system_instruction"))
    system = _text(_repeated(instruction.get("parts")))
    messages = [Message("system", system)] if system else []
    roles: list[Role] = []
    unknown = 0
    for sent in _repeated(document.get("contents")):
        role = _ROLES.get(text(sent.get("role")).lower())
        if role is None:
            unknown += 1
            role = "system"  # nobody's turn
        parts = [
            {_UNDERSCORED.get(key, key): value for key, value in part.items()} for part in _repeated(sent.get("parts"))
        ]
        message = _message(parts, role, ledger)
        messages.append(message)
        # The API merges what one side says in a row, so results do not part two human messages.
        if message.role != "tool":
            roles.append(role)
    history = asked.history(document, whole)
    return Request(
        document=document,
        model=None,
        messages=tuple(messages),
        turns=human_turns(roles),
        # A cache may hold the beginning of the conversation.
        history_complete="no" if history == "yes" and document.get("cachedContent") else history,
        stream=None,
        tools_offered=tuple(name for tool in _repeated(document.get("tools")) for name in _tool_names(tool)),
        unknown=unknown,
    )


def _repeated(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; the API also takes one alone for an array of it."""
    return [value] if isinstance(value, dict) else items(value)


def _tool_names(tool: dict[str, Any]) -> list[str]:
    """Names of declared functions and of MCP servers; a tool of the server's own by its kind."""
    declared = [text(each.get("name")) for field in _NAMED_TOOLS for each in _repeated(tool.get(field))]
    return [name for name in declared if name] + [kind for kind in tool if kind not in _NAMED_TOOLS]


def _text(parts: list[dict[str, Any]]) -> str:
    return "".join(text(part.get("text")) for part in parts if part.get("thought") is not True)


def _message(parts: list[dict[str, Any]], role: Role, ledger: ToolLedger) -> Message:
    if role == "assistant":
        ledger.begin_message()
    events = _events(parts, ledger)
    if role == "user" and events and all("functionResponse" in part for part in parts):
        role = "tool"
    return Message(role, _text(parts), events)


def _events(parts: list[dict[str, Any]], ledger: ToolLedger, choice: int = 0) -> tuple[ToolEvent, ...]:
    found = (_event(part, ledger, choice) for part in parts)
    return tuple(event for event in found if event is not None)


def _event(part: dict[str, Any], ledger: ToolLedger, choice: int) -> ToolEvent | None:
    kind = next((kind for kind in _CALLS + _RESULTS if isinstance(part.get(kind), dict)), "")
    body = mapping(part.get(kind))
    call_id = text(body.get("id"))
    if kind == "functionCall":
        # Arguments may be streamed in parts of their own, which have no name.
        name = text(body.get("name"))
        return ledger.call(name, call_id, choice=choice) if name else None
    if kind == "functionResponse":
        failed = "error" in mapping(body.get("response"))
        return ledger.result(call_id, text(body.get("name")), choice=choice, is_error=failed)
    if kind == "executableCode":
        return ledger.call("codeExecution", call_id, "server", choice)
    if kind == "codeExecutionResult":
        failed = body.get("outcome") not in (None, "OUTCOME_OK")
        return ledger.result(call_id, "codeExecution", "server", choice, is_error=failed)
    if kind == "toolCall":
        return ledger.call(text(body.get("toolType")), call_id, "server", choice)
    if kind == "toolResponse":
        return ledger.result(call_id, text(body.get("toolType")), "server", choice)
    return None


class _Candidate:
    __slots__ = ("finish_reason", "parts", "text", "thoughts")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.thoughts: list[str] = []
        self.parts: list[dict[str, Any]] = []  # those that call or answer a tool
        self.finish_reason: str | None = None


class GeminiAnswer(Answer):
    """Chunks add up, by candidate."""

    places: ClassVar[Places] = Places(texts=("text",), passing=("thoughtSignature",), counts=("usageMetadata",))

    def __init__(self) -> None:
        super().__init__()
        self._candidates: dict[int, _Candidate] = {}
        self._open: set[int] = set()  # candidates without a finish

    def add(self, event: dict[str, Any]) -> None:
        """A chunk, or a whole answer."""
        if event.get("error"):
            self.error = event
            return
        self.model = text(event.get("modelVersion")) or self.model
        self.response_id = text(event.get("responseId")) or self.response_id
        self._use(mapping(event.get("usageMetadata")))
        feedback = mapping(event.get("promptFeedback"))
        if text(feedback.get("blockReason")) not in _SAID_NOTHING:
            self.signals.add("policy_block_input")
            self.ended = True
        candidates = items(event.get("candidates"))
        for position, sent in enumerate(candidates):
            self._add_candidate(sent, position)
        if len(candidates) != 1 or feedback:
            self.only_appended = None
        self.unknown += not candidates and not feedback and "usageMetadata" not in event

    def add_tail(self, tail: bytes) -> None:
        """Usage and the finish stand behind the content."""
        self._use(mapping(last_member(tail, "usageMetadata")))
        finish = last_member(tail, "finishReason")
        if self._candidates and isinstance(finish, str):
            self._finish(max(self._candidates), finish)

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """One message a candidate."""
        return tuple(self._message(index, each, ledger) for index, each in sorted(self._candidates.items()))

    def _message(self, index: int, candidate: _Candidate, ledger: ToolLedger) -> Message:
        ledger.begin_message()
        events = _events(candidate.parts, ledger, index)
        return Message("assistant", "".join(candidate.text), events, None, candidate.finish_reason)

    def _add_candidate(self, sent: dict[str, Any], position: int) -> None:
        said = count(sent.get("index"))
        index = position if said is None else said
        candidate = self._candidates.get(index)
        if candidate is None:
            if len(self._candidates) == MAX_CHOICES:
                self.unknown += 1
                return
            candidate = self._candidates[index] = _Candidate()
            self._open.add(index)
        parts = items(mapping(sent.get("content")).get("parts"))
        for part in parts:
            thinks = part.get("thought") is True
            said_here = text(part.get("text"))
            pieces = candidate.thoughts if thinks else candidate.text
            if said_here:
                pieces.append(said_here)
                self.started = True
            if any(kind in part for kind in _CALLS + _RESULTS):
                candidate.parts.append(part)
                self.started = True
            elif not any(kind in part for kind in _SILENT):
                self.unknown += 1
            elif said_here and len(parts) == 1:
                self.only_appended = pieces
        self._finish(index, text(sent.get("finishReason")))

    def _finish(self, index: int, reason: str) -> None:
        if reason not in _SAID_NOTHING:
            self.only_appended = None
            self._candidates[index].finish_reason = reason
            self._open.discard(index)
            if reason in _POLICY_FINISHES:
                self.signals.add("policy_block_output")
        self.ended = not self._open

    def _use(self, usage: dict[str, Any]) -> None:
        given = count(usage.get("promptTokenCount"))
        made = total(count(usage.get(field)) for field in ("candidatesTokenCount", "thoughtsTokenCount"))
        self.used(given, made)


FORMAT = WireFormat(
    name="gemini",
    provider="gcp.gemini",
    suffixes=(":generateContent", ":streamGenerateContent"),
    decode=decode,
)
