"""Bedrock's Converse and ConverseStream: what is asked, and the answer.

A block of content is an object with one member, which says what it is. A stream names its
blocks by index. Input tokens are sent without the cached ones, which are added here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from detectors.records.exchange import Message, Role, Signal, ToolEvent
from sidecar.wire import request as asked
from sidecar.wire.answer import NOTHING
from sidecar.wire.block_answer import BlockAnswer
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, items, last_member, mapping, text, total
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import Origin, ToolLedger
from sidecar.wire.turns import human_turns

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_SILENT_BLOCKS = frozenset(
    (
        "image",
        "document",
        "video",
        "audio",
        "cachePoint",
        "reasoningContent",
        "citationsContent",
        "searchResult",
    )
)
_INPUT_COUNTS = ("inputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")


def converse_request(document: dict[str, Any], whole: bool, ledger: ToolLedger) -> Request:
    """What the body asks; its calls and results are told to ``ledger``. The model is in the path."""
    system = _text(items(document.get("system")))
    messages = [Message("system", system)] if system else []
    sent, unknown = asked.messages(document, _ROLES)
    messages += (_message(items(each.get("content")), role, ledger) for role, each in sent)
    tools = items(mapping(document.get("toolConfig")).get("tools"))
    return Request(
        document=document,
        model=None,
        messages=tuple(messages),
        # The API merges what one side says in a row, so results do not part two human messages.
        turns=human_turns(message.role for message in messages if message.role != "tool"),
        history_complete=asked.history(document, whole),
        stream=None,
        tools_offered=tuple(name for tool in tools if (name := _tool_name(tool))),
        unknown=unknown,
    )


def _tool_name(tool: dict[str, Any]) -> str:
    """A tool's own name; what is none (a cache point) has no name."""
    described = (mapping(tool.get(kind)) for kind in ("toolSpec", "systemTool"))
    return next((name for each in described if (name := text(each.get("name")))), "")


def _text(blocks: list[dict[str, Any]]) -> str:
    return "".join(_block_text(block) for block in blocks)


def _block_text(block: dict[str, Any]) -> str:
    guarded = mapping(mapping(block.get("guardContent")).get("text"))
    cited = items(mapping(block.get("citationsContent")).get("content"))
    return text(block.get("text")) or text(guarded.get("text")) or "".join(text(each.get("text")) for each in cited)


def _message(blocks: list[dict[str, Any]], role: Role, ledger: ToolLedger) -> Message:
    if role == "assistant":
        ledger.begin_message()
    events = tuple(event for block in blocks if (event := _tool_event(block, ledger)) is not None)
    said = [block for block in blocks if "toolResult" not in block and "cachePoint" not in block]
    if role == "user" and events and not said:
        results = (items(mapping(block.get("toolResult")).get("content")) for block in blocks)
        return Message("tool", "".join(_text(content) for content in results), events)
    return Message(role, _text(blocks), events)


def _tool_event(block: dict[str, Any], ledger: ToolLedger) -> ToolEvent | None:
    used, result = block.get("toolUse"), block.get("toolResult")
    if isinstance(used, dict):
        origin: Origin = "server" if used.get("type") == "server_tool_use" else "client"
        return ledger.call(text(used.get("name")), text(used.get("toolUseId")), origin)
    if isinstance(result, dict):
        return ledger.result(text(result.get("toolUseId")), is_error=result.get("status") == "error")
    return None


def guardrail_block(trace: dict[str, Any]) -> set[Signal]:
    """Which side a guardrail that stepped in has blocked. Without a trace it is taken for the input;
    a trace without a block says that it has only masked something. InvokeModel's traces have shorter keys.
    """
    given = trace.get("inputAssessment") or trace.get("input")
    answered = trace.get("outputAssessments") or trace.get("outputs")
    if "BLOCKED" in _actions(given):
        return {"policy_block_input"}
    if "BLOCKED" in _actions(answered):
        return {"policy_block_output"}
    return set() if given or answered else {"policy_block_input"}


def _actions(assessment: Any) -> Iterator[str]:
    """Every ``action`` in it. JSON is nested 1024 deep at most, so a stack of its own is used."""
    waiting = [assessment]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield text(value.get("action"))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


class ConverseAnswer(BlockAnswer):
    """One message: its blocks by index, and the numbers beside them."""

    places: ClassVar[Places] = Places(texts=("text",), passing=("input", "p", "reasoningContent"))

    def __init__(self) -> None:
        super().__init__(_tool_event)
        self._trace: dict[str, Any] = {}

    def add(self, event: dict[str, Any]) -> None:
        """One event of a stream: an object with one member, which says what it is."""
        kind = next(iter(event), "")
        body = mapping(event.get(kind))
        index = count(body.get("contentBlockIndex")) or 0
        if kind == "contentBlockDelta":
            self._add_delta(index, mapping(body.get("delta")))
        elif kind == "contentBlockStart":
            self._add_block(index, mapping(body.get("start")))
        elif kind == "messageStart":
            self._begun = True
        elif kind == "messageStop":
            self._stop(body.get("stopReason"))
        elif kind == "metadata":
            self._use(body)
        elif kind == "error":
            self.error = event
        else:
            self.unknown += kind != "contentBlockStop"

    def add_document(self, document: dict[str, Any]) -> None:
        """The whole answer."""
        message = mapping(mapping(document.get("output")).get("message"))
        self._begun = bool(message)
        self.unknown += not self._begun
        for index, block in enumerate(items(message.get("content"))):
            self._add_block(index, block)
        self._stop(document.get("stopReason"))
        self._use(document)

    def add_tail(self, tail: bytes) -> None:
        """Stop reason and usage stand behind the content."""
        self._stop(last_member(tail, "stopReason"))
        self._use({"usage": last_member(tail, "usage")})

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """The one message, if any of it has come."""
        if self._stop_reason == "guardrail_intervened":
            self.signals |= guardrail_block(self._trace)
        return super().messages(ledger)

    def _add_block(self, index: int, block: dict[str, Any]) -> None:
        self._blocks[index] = block
        visible = _block_text(block)
        if visible:
            self._texts.setdefault(index, []).append(visible)
        known = visible or "text" in block or "toolUse" in block or "toolResult" in block
        self.unknown += bool(block) and not known and not any(kind in block for kind in _SILENT_BLOCKS)
        thinks_or_calls = block.get("reasoningContent") or mapping(block.get("toolUse")).get("input")
        self.started = self.started or bool(visible) or bool(thinks_or_calls)

    def _add_delta(self, index: int, delta: dict[str, Any]) -> None:
        self._begun = True
        piece = text(delta.get("text"))
        if piece:
            self.only_appended = self._texts.setdefault(index, [])
            self.only_appended.append(piece)
        elif any(kind in delta for kind in ("text", "toolUse", "toolResult", "reasoningContent", "citation")):
            self.only_appended = NOTHING
        else:
            self.unknown += 1
        arguments = mapping(delta.get("toolUse")).get("input")
        self.started = self.started or bool(piece or arguments or delta.get("reasoningContent"))

    def _stop(self, reason: Any) -> None:
        if isinstance(reason, str):
            self._stop_reason = reason
            self.ended = True
            if reason == "content_filtered":
                self.signals.add("policy_block_output")

    def _use(self, said: dict[str, Any]) -> None:
        usage = mapping(said.get("usage"))
        self.used(total(count(usage.get(kind)) for kind in _INPUT_COUNTS), count(usage.get("outputTokens")))
        self._trace = mapping(mapping(said.get("trace")).get("guardrail")) or self._trace
