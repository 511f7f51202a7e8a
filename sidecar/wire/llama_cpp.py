"""llama.cpp's own API: /completion, and /infill, which completes between a prefix and a suffix.

Pieces and a whole answer have the same shape; the last piece has ``stop`` and the counts.
Several prompts are answered with an array, or with pieces that say their ``index``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from detectors.records.exchange import Exchange, Message
from sidecar.gateway.capture import Capture
from sidecar.wire import request as asked
from sidecar.wire.answer import MAX_CHOICES, Answer, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, last_member, mapping, text, total
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger

_STOPPED = {"stopped_eos": "eos", "stopped_limit": "limit", "stopped_word": "word"}
"""How builds before December 2024 said what ``stop_type`` says."""


def decode(capture: Capture) -> Exchange:
    """The exchange. Never raises."""
    document, whole = request_document(capture)
    request = Request(
        document=document,
        model=asked.model(document),
        messages=_messages(document),
        turns=1,
        history_complete=asked.history(document, whole),
        stream=asked.streamed(document, whole),
        tools_offered=(),
    )
    answer = LlamaAnswer()
    read(capture, answer)
    return exchange(capture, request, answer, ToolLedger(), operation="text_completion", provider=FORMAT.provider)


def _messages(document: dict[str, Any]) -> tuple[Message, ...]:
    """One message a prompt; token ids are no text, and mixed with texts they stand between them."""
    prompt = document.get("prompt")
    if prompt is None:
        return (Message("user", text(document.get("input_prefix")) + text(document.get("input_suffix"))),)
    prompts = prompt if isinstance(prompt, list) else [prompt]
    shown = (text(each) or text(mapping(each).get("prompt_string")) for each in prompts)
    return tuple(Message("user", each) for each in shown if each)


class _Completion:
    __slots__ = ("finish_reason", "input_tokens", "output_tokens", "text")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.finish_reason: str | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None


class LlamaAnswer(Answer):
    """Pieces add up, by index."""

    places: ClassVar[Places] = Places(
        texts=("content",),
        passing=("completion_probabilities", "timings", "tokens", "tokens_evaluated", "tokens_predicted"),
    )

    def __init__(self) -> None:
        super().__init__()
        self._completions: dict[int, _Completion] = {}
        self._open: set[int] = set()  # completions that have not stopped

    def add(self, event: dict[str, Any]) -> None:
        """A piece, or a whole answer."""
        if event.get("error"):
            self.error = event
            return
        if "content" not in event:
            self.unknown += 1
            return
        index = count(event.get("index")) or 0
        completion = self._completions.get(index)
        if completion is None:
            if len(self._completions) == MAX_CHOICES:
                self.unknown += 1
                return
            completion = self._completions[index] = _Completion()
            self._open.add(index)
        piece = text(event.get("content"))
        if piece:
            completion.text.append(piece)
            self.started = True
        self.model = self.model or text(event.get("model")) or None
        if event.get("stop") is True:
            self._open.discard(index)
            self._finish(completion, event)
        elif piece:
            self.only_appended = completion.text
        self.ended = not self._open

    def add_tail(self, tail: bytes) -> None:
        """Counts and the reason stand behind the content."""
        if self._completions:
            fields = ("stop_type", "tokens_evaluated", "tokens_predicted")
            self._finish(self._completions[max(self._completions)], {name: last_member(tail, name) for name in fields})

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:  # noqa: ARG002  # no calls in this format
        """One message a prompt."""
        self.input_tokens = total(each.input_tokens for each in self._completions.values())
        self.output_tokens = total(each.output_tokens for each in self._completions.values())
        ordered = (each for _, each in sorted(self._completions.items()))
        return tuple(Message("assistant", "".join(each.text), (), None, each.finish_reason) for each in ordered)

    def _finish(self, completion: _Completion, said: dict[str, Any]) -> None:
        before = next((reason for field, reason in _STOPPED.items() if said.get(field) is True), "")
        reason = text(said.get("stop_type")) or before
        completion.finish_reason = reason if reason not in ("", "none") else completion.finish_reason
        given, made = count(said.get("tokens_evaluated")), count(said.get("tokens_predicted"))
        completion.input_tokens = completion.input_tokens if given is None else given
        completion.output_tokens = completion.output_tokens if made is None else made


FORMAT = WireFormat(
    name="llama.cpp",
    provider="llama.cpp",
    suffixes=("/completion", "/infill"),
    decode=decode,
)
