"""Anthropic Messages, as Anthropic, vLLM, SGLang, llama.cpp and Ollama speak it.

A message is a list of blocks: text, thinking, calls and results. A stream names each block
by its index, which is also the order of the calls. Usage is cumulative: the last number of
each kind counts. Input tokens are sent without the cached ones, which are added here.

A user message made of nothing but tool results is no human turn; it becomes a message of
role ``tool``, whose text is that of the results.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from detectors.records.exchange import Exchange, HistoryComplete, Message, Role, ToolEvent
from sidecar.gateway.capture import Capture
from sidecar.wire import request as asked
from sidecar.wire.answer import NOTHING, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.block_answer import BlockAnswer
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, items, last_member, mapping, text
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import Origin, ToolLedger
from sidecar.wire.turns import human_turns

_ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "ctx": "user",  # vLLM
    "msg": "user",
}
_CALLS: dict[str, Origin] = {"tool_use": "client", "server_tool_use": "server", "mcp_tool_use": "server"}
_SILENT_BLOCKS = frozenset(
    (
        "thinking",
        "redacted_thinking",
        "image",
        "document",
        "search_result",
        "container_upload",
        "compaction",
        "fallback",
        "mcp_tool_listing",
    )
)
_SILENT_EVENTS = frozenset(("ping", "content_block_stop"))
_DELTAS = {"text_delta": "text", "thinking_delta": "thinking", "input_json_delta": "partial_json"}
_SILENT_DELTAS = frozenset(("signature_delta", "citations_delta", "compaction_delta"))
_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


def decode(capture: Capture) -> Exchange:
    """The exchange. Never raises."""
    ledger = ToolLedger()
    document, whole = request_document(capture)
    request = messages_request(document, whole, ledger)
    answer = MessagesAnswer()
    read(capture, answer)
    return exchange(capture, request, answer, ledger, operation="chat", provider=FORMAT.provider)


def messages_request(document: dict[str, Any], whole: bool, ledger: ToolLedger) -> Request:
    """What the body asks; its calls and results are told to ``ledger``."""
    system = document.get("system")
    messages = [Message("system", _text(_blocks(system)))] if system else []
    history: HistoryComplete = asked.history(document, whole)
    sent, unknown = asked.messages(document, _ROLES)
    for role, each in sent:
        blocks = _blocks(each.get("content"))
        if history == "yes" and any(block.get("type") == "compaction" for block in blocks):
            history = "no"
        messages.append(_message(blocks, role, ledger))
    return Request(
        document=document,
        model=asked.model(document),
        messages=tuple(messages),
        # The API merges what one side says in a row, so results do not part two human messages.
        turns=human_turns(message.role for message in messages if message.role != "tool"),
        history_complete=history,
        stream=asked.streamed(document, whole),
        tools_offered=asked.tools_offered(document),
        unknown=unknown,
    )


def _blocks(content: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else items(content)


def _text(blocks: Iterable[dict[str, Any]]) -> str:
    return "".join(text(block.get("text")) for block in blocks if block.get("type") == "text")


def _message(blocks: list[dict[str, Any]], role: Role, ledger: ToolLedger) -> Message:
    if role == "assistant":
        ledger.begin_message()
    events = tuple(event for block in blocks if (event := _tool_event(block, ledger)) is not None)
    if role == "user" and events and all(block.get("type") == "tool_result" for block in blocks):
        return Message("tool", "".join(_text(_blocks(block.get("content"))) for block in blocks), events)
    return Message(role, _text(blocks), events)


def _tool_event(block: dict[str, Any], ledger: ToolLedger) -> ToolEvent | None:
    kind = text(block.get("type"))
    if kind in _CALLS:
        return ledger.call(text(block.get("name")), text(block.get("id")), _CALLS[kind])
    if kind.endswith("tool_result"):
        # web_search_tool_result and its like: the server ran the tool, and reports failure inside.
        content_type = text(mapping(block.get("content")).get("type"))
        return ledger.result(
            text(block.get("tool_use_id")),
            origin="client" if kind == "tool_result" else "server",
            is_error=block.get("is_error") is True or content_type.endswith("_error"),
        )
    return None


class MessagesAnswer(BlockAnswer):
    """One message: its blocks by index, and the numbers beside them."""

    places: ClassVar[Places] = Places(texts=("text",), passing=("p", "partial_json", "thinking"))

    def __init__(self) -> None:
        super().__init__(_tool_event)
        self._usage: dict[str, int] = {}

    def add(self, event: dict[str, Any]) -> None:
        """One event of a stream."""
        kind = text(event.get("type"))
        if kind == "content_block_delta":
            self._add_delta(_index(event), mapping(event.get("delta")))
        elif kind == "content_block_start":
            self._add_block(_index(event), mapping(event.get("content_block")))
        elif kind == "message_start":
            self.add_document(mapping(event.get("message")))
        elif kind == "message_delta":
            self._stop(mapping(event.get("delta")).get("stop_reason"))
            self._use(event.get("usage"))
        elif kind == "message_stop":
            self.ended = True
        elif kind == "error" or event.get("error"):
            self.error = event
        elif kind not in _SILENT_EVENTS:
            self.unknown += 1

    def add_document(self, document: dict[str, Any]) -> None:
        """A message as it stands: the whole answer, or what a stream begins with."""
        if document.get("error"):
            self.error = document
            return
        self._begun = "content" in document
        self.unknown += not self._begun
        self.model = text(document.get("model")) or None
        self.response_id = text(document.get("id")) or None
        for index, block in enumerate(items(document.get("content"))):
            self._add_block(index, block)
        self._stop(document.get("stop_reason"))
        self._use(document.get("usage"))

    def add_tail(self, tail: bytes) -> None:
        """Stop reason and usage stand behind the content."""
        self._stop(last_member(tail, "stop_reason"))
        self._use(last_member(tail, "usage"))

    def _add_block(self, index: int, block: dict[str, Any]) -> None:
        kind = text(block.get("type"))
        self._blocks[index] = block
        if kind == "text" and text(block.get("text")):
            self._texts.setdefault(index, []).append(block["text"])
        elif kind != "text" and kind not in _CALLS and kind not in _SILENT_BLOCKS and not kind.endswith("tool_result"):
            self.unknown += 1
        if block.get("text") or block.get("thinking") or block.get("input"):
            self.started = True

    def _add_delta(self, index: int, delta: dict[str, Any]) -> None:
        kind = text(delta.get("type"))
        field = _DELTAS.get(kind)
        if field is None:
            self.unknown += kind not in _SILENT_DELTAS
            return
        piece = text(delta.get(field))
        if piece:
            self.started = True
            self._blocks.setdefault(index, {})  # its start may be missing, behind a gap
            self.only_appended = NOTHING
            if field == "text":
                self.only_appended = self._texts.setdefault(index, [])
                self.only_appended.append(piece)

    def _stop(self, reason: Any) -> None:
        if isinstance(reason, str) and reason:
            self._stop_reason = reason
            self.ended = True
            if reason == "refusal":
                self.signals.add("policy_block_output")

    def _use(self, usage: Any) -> None:
        for kind, number in mapping(usage).items():
            known = count(number)
            if known is not None:
                self._usage[kind] = known
        given = [self._usage[kind] for kind in _INPUT_COUNTS if kind in self._usage]
        self.input_tokens = sum(given) if given else None
        self.output_tokens = self._usage.get("output_tokens")


def _index(event: dict[str, Any]) -> int:
    return count(event.get("index")) or 0


FORMAT = WireFormat(
    name="anthropic.messages",
    provider="anthropic",
    suffixes=("/v1/messages",),
    decode=decode,
    user_fields=(("metadata", "user_id"),),
    user_header="anthropic-user-profile-id",
)
