"""OpenAI Responses, also of vLLM, SGLang, llama.cpp and Ollama.

A stream tells the answer twice: in deltas, and whole in its last event (``completed``,
``incomplete``, ``failed``). The last event is the truth; the deltas stand in for it where
it did not come, or carries no output. There is no ``[DONE]``. llama.cpp's events have no
``output_index``: items then stand in the order in which they appeared.

Only ``POST …/responses`` is an exchange; reading one again (``GET …/{id}``) is not.
"""

from __future__ import annotations

from typing import Any, ClassVar

from detectors.records.exchange import Exchange, Message
from sidecar.gateway.capture import Capture
from sidecar.wire import moderation
from sidecar.wire import request as asked
from sidecar.wire.answer import Answer, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, items, last_member, mapping, text
from sidecar.wire.request import Request
from sidecar.wire.responses_items import (
    assistant_message,
    history,
    is_known,
    message_refusal,
    message_text,
    moderation_stage,
)
from sidecar.wire.tool_ledger import ToolLedger
from sidecar.wire.turns import human_turns

_BEGINNINGS = frozenset(("response.created", "response.in_progress", "response.queued"))
_ENDINGS = frozenset(("response.completed", "response.incomplete", "response.failed", "response.cancelled"))
_SILENT = (
    "keepalive",
    "response.audio.",
    "response.code_interpreter_call",
    "response.compaction.",
    "response.content_part.",
    "response.custom_tool_call_input.",
    "response.file_search_call.",
    "response.function_call_arguments.",
    "response.image_generation_call.",
    "response.mcp_",
    "response.output_text.",
    "response.reasoning",
    "response.refusal.",
    "response.shell_call_",
    "response.steer",
    "response.web_search_call.",
)


def decode(capture: Capture) -> Exchange:
    """The exchange. Never raises."""
    ledger = ToolLedger()
    document, whole = request_document(capture)
    request = _request(document, whole, ledger)
    answer = ResponsesAnswer(moderation.policy(document))
    read(capture, answer)
    return exchange(capture, request, answer, ledger, operation="chat", provider=FORMAT.provider)


def _request(document: dict[str, Any], whole: bool, ledger: ToolLedger) -> Request:
    shown = history(document.get("input"), ledger)
    instructions = text(document.get("instructions"))
    complete = asked.history(document, whole)
    return Request(
        document=document,
        model=asked.model(document),
        messages=(*([Message("system", instructions)] if instructions else ()), *shown.messages),
        turns=human_turns(message.role for message in shown.messages),
        history_complete="no" if complete == "yes" and shown.elsewhere else complete,
        stream=asked.streamed(document, whole),
        tools_offered=asked.tools_offered(document),
        unknown=shown.unknown,
    )


class _Item:
    """An output item so far: as last sent whole, and the deltas since."""

    __slots__ = ("order", "refusal", "sent", "text")

    def __init__(self, order: int) -> None:
        self.order = order
        self.sent: dict[str, Any] = {}
        self.text: list[str] = []
        self.refusal: list[str] = []

    def whole(self) -> dict[str, Any]:
        """The item with what its deltas said, where it was not sent whole itself."""
        if (not self.text and not self.refusal) or message_text(self.sent) or message_refusal(self.sent):
            return self.sent
        parts = [
            {"type": "output_text", "text": "".join(self.text)},
            {"type": "refusal", "refusal": "".join(self.refusal)},
        ]
        return {"type": "message", "role": "assistant", **self.sent, "content": parts}


class ResponsesAnswer(Answer):
    """``policy`` is the request's own moderation policy (``moderation.policy``)."""

    places: ClassVar[Places] = Places(texts=("delta",), passing=("logprobs", "obfuscation", "sequence_number"))

    def __init__(self, policy: dict[str, Any]) -> None:
        super().__init__()
        self._policy = policy
        self._begun = False
        self._items: dict[str, _Item] = {}
        self._output: list[dict[str, Any]] = []
        self._finish: str | None = None
        self._unseen: list[str] = []  # reasoning and arguments, which nobody asks for again

    def add(self, event: dict[str, Any]) -> None:
        """One event of a stream."""
        kind = text(event.get("type"))
        if kind.endswith(".delta"):
            self._add_delta(kind, event)
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._begun = True
            item = mapping(event.get("item"))
            self._item(event, text(item.get("id"))).sent = item
        elif kind in _BEGINNINGS:
            self._describe(mapping(event.get("response")))
        elif kind in _ENDINGS:
            self.add_document(mapping(event.get("response")))
            self.ended = True
        elif kind == "error" or (not kind and event.get("error")):
            self.error = event
        elif not kind.startswith(_SILENT):
            self.unknown += 1

    def add_document(self, document: dict[str, Any]) -> None:
        """The response object: the whole answer, or the end of a stream."""
        self._describe(document)
        self.unknown += "output" not in document
        self._output = items(document.get("output"))
        status = text(document.get("status"))
        reason = text(mapping(document.get("incomplete_details")).get("reason"))
        self._finish = f"{status}:{reason}" if status == "incomplete" and reason else status or None
        if reason == "content_filter":
            self.signals.add("policy_block_output")
        if document.get("error"):
            self.error = document
        self.signals |= moderation.blocks(self._policy, document.get("moderation"))
        self._use(document.get("usage"))

    def add_tail(self, tail: bytes) -> None:
        """Usage stands behind the output; only a response that has ended has it."""
        usage = mapping(last_member(tail, "usage"))
        self._use(usage)
        self.ended = self.ended or bool(usage)

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """The one message, if any of it has come."""
        if not self._begun:
            return ()
        streamed = [item.whole() for item in sorted(self._items.values(), key=lambda item: item.order)]
        output = self._output or streamed
        for item in output:
            self.unknown += not is_known(item)
            stage = moderation_stage(item)
            if stage in ("input", "output"):
                self.signals.add("policy_block_input" if stage == "input" else "policy_block_output")
        message = assistant_message(output, ledger, self._finish)
        if message.refusal:
            self.signals.add("model_refusal_structured")
        self.started = self.started or bool(message.text or message.refusal or message.tool_events)
        return (message,)

    def _describe(self, response: dict[str, Any]) -> None:
        self._begun = True
        self.model = text(response.get("model")) or self.model
        self.response_id = text(response.get("id")) or self.response_id

    def _add_delta(self, kind: str, event: dict[str, Any]) -> None:
        piece = text(event.get("delta"))
        if not piece:
            return
        self.started = True
        pieces = self._unseen
        if kind == "response.output_text.delta":
            pieces = self._item(event, text(event.get("item_id"))).text
        elif kind == "response.refusal.delta":
            pieces = self._item(event, text(event.get("item_id"))).refusal
        elif not kind.startswith(_SILENT):
            self.unknown += 1
            return
        pieces.append(piece)
        self.only_appended = pieces

    def _item(self, event: dict[str, Any], item_id: str) -> _Item:
        index = count(event.get("output_index"))
        key = item_id or f"output {index}"
        item = self._items.get(key)
        if item is None:
            self._begun = True
            item = self._items[key] = _Item(len(self._items) if index is None else index)
        return item

    def _use(self, usage: Any) -> None:
        self.used(count(mapping(usage).get("input_tokens")), count(mapping(usage).get("output_tokens")))


FORMAT = WireFormat(
    name="openai.responses",
    provider="openai",
    suffixes=("/responses",),
    decode=decode,
    user_fields=(("safety_identifier",), ("user",)),
)
