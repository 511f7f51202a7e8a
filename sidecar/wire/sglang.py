"""SGLang's own API: /generate.

A stream's text is cumulative: each event says again everything since the beginning, unless
the server was started to send only what is new. So it is where an event's text does not begin
with the one before. Several prompts, or n samples, are told apart by index.

/generate is TGI's path too; its bodies have ``inputs`` where these have ``text`` or token ids.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar

from detectors.records.exchange import Exchange, HistoryComplete, Message
from sidecar.gateway.capture import Capture
from sidecar.wire import request as asked
from sidecar.wire.answer import MAX_CHOICES, Answer, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, mapping, text, total
from sidecar.wire.request import Request
from sidecar.wire.tool_ledger import ToolLedger

PROMPTS = ("text", "input_ids", "input_embeds")

_TIMES = ("cached_tokens", "e2e_latency", "decode_throughput", "response_sent_to_client_ts", "output_token_logprobs")
"""Of ``meta_info``: what changes from event to event and is not read."""


def decode(capture: Capture) -> Exchange | None:
    """The exchange; None where the body has no prompt of SGLang's. Never raises."""
    document, whole = request_document(capture)
    if not any(field in document for field in PROMPTS):
        return None
    prompt = document.get("text")
    prompts = prompt if isinstance(prompt, list) else [prompt]
    history: HistoryComplete = asked.history(document, whole)
    request = Request(
        document=document,
        model=asked.model(document),
        messages=tuple(Message("user", each) for each in prompts if isinstance(each, str)),
        turns=1,
        # A session's earlier requests are remembered by the server.
        history_complete="no" if history == "yes" and document.get("session_params") else history,
        stream=asked.streamed(document, whole),
        tools_offered=(),
    )
    answer = SglangAnswer()
    read(capture, answer)
    return exchange(capture, request, answer, ToolLedger(), operation="text_completion", provider=FORMAT.provider)


class _Sample:
    __slots__ = ("finish_reason", "input_tokens", "output_tokens", "said")

    def __init__(self) -> None:
        self.said: list[str] = []
        self.finish_reason: str | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None

    @property
    def text(self) -> str:
        """The last event's text where each begins with the one before it, else all of them."""
        said = [each for each in self.said if each]
        if all(later.startswith(each) for each, later in itertools.pairwise(said)):
            return said[-1] if said else ""
        return "".join(said)


class SglangAnswer(Answer):
    """Samples by index; of an array without indices, by position."""

    places: ClassVar[Places] = Places(
        texts=("text",), passing=("output_ids", *_TIMES), counts=("prompt_tokens", "completion_tokens")
    )

    def __init__(self) -> None:
        super().__init__()
        self._samples: dict[int, _Sample] = {}
        self._open: set[int] = set()  # samples without a finish
        self._by_id: dict[str, int] = {}

    def add(self, event: dict[str, Any]) -> None:
        """What is known of a sample so far."""
        if event.get("error"):
            self.error = event
            return
        if "text" not in event and "output_ids" not in event:
            self.unknown += 1
            return
        facts = mapping(event.get("meta_info"))
        index = self._index(event, text(facts.get("id")))
        sample = self._samples.get(index)
        if sample is None:
            if len(self._samples) == MAX_CHOICES:
                self.unknown += 1
                return
            sample = self._samples[index] = _Sample()
            self._open.add(index)
        said = text(event.get("text"))
        if said:
            sample.said.append(said)
            self.only_appended = sample.said
        self.started = self.started or bool(said)
        self.response_id = self.response_id or text(facts.get("id")) or None
        given, made = count(facts.get("prompt_tokens")), count(facts.get("completion_tokens"))
        sample.input_tokens = sample.input_tokens if given is None else given
        sample.output_tokens = sample.output_tokens if made is None else made
        finish = mapping(facts.get("finish_reason"))
        reason = text(finish.get("type")) or text(facts.get("finish_reason"))
        if reason:
            self.only_appended = None
            sample.finish_reason = reason
            self._open.discard(index)
        self.ended = not self._open
        if text(finish.get("err_type")):
            self.error = {"type": finish["err_type"]}

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:  # noqa: ARG002  # no calls in this format
        """One message a sample."""
        self.input_tokens = total(each.input_tokens for each in self._samples.values())
        self.output_tokens = total(each.output_tokens for each in self._samples.values())
        ordered = (sample for _, sample in sorted(self._samples.items()))
        return tuple(Message("assistant", sample.text, (), None, sample.finish_reason) for sample in ordered)

    def _index(self, event: dict[str, Any], sample_id: str) -> int:
        index = count(event.get("index"))
        return self._by_id.setdefault(sample_id, len(self._by_id)) if index is None else index


FORMAT = WireFormat(
    name="sglang",
    provider="sglang",
    suffixes=("/generate",),
    decode=decode,
)
