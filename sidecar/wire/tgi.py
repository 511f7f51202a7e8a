"""Text Generation Inference's own API: /generate, /generate_stream and the root path.

A stream has an event a token; the last has the whole text, without special tokens, and the
details. Until then the text is that of the tokens that are not special. The root path, and
SageMaker's /invocations, answer with an array. /generate is SGLang's path too; it sends no
``inputs``. Nothing but a text goes in, so a conversation is one turn.
"""

from __future__ import annotations

from typing import Any, ClassVar

from detectors.records.exchange import Exchange, Message
from sidecar.gateway.capture import Capture
from sidecar.wire import request as asked
from sidecar.wire.answer import Answer, read
from sidecar.wire.assembly import exchange
from sidecar.wire.base import WireFormat
from sidecar.wire.body import request_document
from sidecar.wire.chunk_kind import Places
from sidecar.wire.json_value import count, last_member, mapping, text
from sidecar.wire.openai_chat import SHARED_PATH
from sidecar.wire.request import Request
from sidecar.wire.sglang import PROMPTS
from sidecar.wire.tool_ledger import ToolLedger


def decode(capture: Capture) -> Exchange | None:
    """The exchange; None on a shared path whose body is another format's. Never raises."""
    document, whole = request_document(capture)
    own_path = capture.path.endswith(("/generate", "/generate_stream"))
    if "inputs" not in document and (not own_path or any(field in document for field in PROMPTS)):
        return None
    request = Request(
        document=document,
        model=asked.model(document),
        messages=(Message("user", text(document.get("inputs"))),),
        turns=1,
        history_complete=asked.history(document, whole),
        stream=True if capture.path.endswith("_stream") else asked.streamed(document, whole),
        tools_offered=(),
    )
    answer = TgiAnswer()
    read(capture, answer)
    return exchange(capture, request, answer, ToolLedger(), operation="text_completion", provider=FORMAT.provider)


class TgiAnswer(Answer):
    """Tokens, or the text as a whole."""

    places: ClassVar[Places] = Places(texts=("text",), passing=("id", "index", "logprob", "top_tokens"))

    def __init__(self) -> None:
        super().__init__()
        self._begun = False
        self._tokens: list[str] = []
        self._text: str | None = None
        self._finish_reason: str | None = None

    def add(self, event: dict[str, Any]) -> None:
        """A token's event, or a whole answer."""
        if event.get("error"):
            self.error = event
            return
        token = event.get("token")
        whole = event.get("generated_text")
        if isinstance(token, dict):
            self._begun = True
            if token.get("special") is not True and text(token.get("text")):
                self._tokens.append(token["text"])
                self.started = True
                self.only_appended = self._tokens
        if isinstance(whole, str):
            self.only_appended = None
            self._begun = self.ended = True
            self._text = whole
            self.started = self.started or bool(whole)
        self.unknown += not isinstance(token, dict) and not isinstance(whole, str)
        if event.get("details"):
            self.only_appended = None
            self._detail(mapping(event["details"]))

    def add_tail(self, tail: bytes) -> None:
        """The details' own reasons and counts, of an answer whose prefill or tokens were cut."""
        self._detail({name: last_member(tail, name) for name in ("finish_reason", "generated_tokens")})

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:  # noqa: ARG002  # no calls in this format
        """The one message, if any of it has come."""
        if not self._begun:
            return ()
        said = "".join(self._tokens) if self._text is None else self._text
        return (Message("assistant", said, (), None, self._finish_reason),)

    def _detail(self, details: dict[str, Any]) -> None:
        self.used(count(details.get("input_length")), count(details.get("generated_tokens")))
        self._finish_reason = text(details.get("finish_reason")) or self._finish_reason


FORMAT = WireFormat(
    name="tgi",
    provider="tgi",
    suffixes=("/generate", "/generate_stream", SHARED_PATH),
    decode=decode,
    when_named=("/",),
    also_called=("huggingface", "text-generation-inference"),
)
