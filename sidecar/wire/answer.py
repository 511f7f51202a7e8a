"""An answer being read: the events of a stream, the objects of an array, or one JSON document.

Rules of this file: what the answer is, its Content-Type says or its first bytes show, not what the
request asked for; the Exchange does not depend on where the network cut the bytes; no more than
10,000 events are read, or one for each 96 bytes, and no more than 1,000 that cannot be, since
each costs time.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from detectors.records.exchange import Message, Signal
from sidecar.gateway.capture import Capture
from sidecar.wire.body import Body, response_body
from sidecar.wire.chunk_kind import Places
from sidecar.wire.chunk_template import ChunkTemplate
from sidecar.wire.eventstream import EventStreamParser, named
from sidecar.wire.headers import header
from sidecar.wire.json_array import JsonArrayParser
from sidecar.wire.json_value import load, salvage
from sidecar.wire.ndjson import NdjsonParser
from sidecar.wire.sse import SseParser
from sidecar.wire.tool_ledger import ToolLedger

_NDJSON = ("application/x-ndjson", "application/ndjson", "application/jsonl")
_EVENT_STREAM = "application/vnd.amazon.eventstream"
_MIN_EVENT_BYTES = 96
_FREE_EVENTS = 10_000
_MAX_UNREADABLE = 1000
_STEP_BYTES = 64 << 10
"""Of a stream, that are read at once: the memory of one step serves the next."""

MAX_CHOICES = 1000
"""Of choices past these nothing is kept."""

NOTHING: Final[list[str]] = []
"""For ``Answer.only_appended``: the event had no visible text, and was no news."""

Parser = SseParser | NdjsonParser | JsonArrayParser | EventStreamParser


class Answer:
    """What the answer has said so far. A format says in ``add`` how an event adds to it.

    ``started``: text, reasoning, a refusal or a tool call's arguments have come.
    ``ended``: the format's final marker, or the finish of every choice, has come.
    ``unknown`` counts what could not be read, ``unreadable`` what of it was no JSON. ``error`` is the object that reports one.

    ``only_appended`` is set by ``add`` to the list of texts to which the event appended, or to
    ``NOTHING`` where it had none, if it did nothing else, or nothing else that would be news if it
    came again: events that differ in ``places`` alone are then not parsed (``chunk_template``).
    """

    places: ClassVar[Places] = Places(texts=())

    def __init__(self) -> None:
        self.model: str | None = None
        self.response_id: str | None = None
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.error: dict[str, Any] | None = None
        self.signals: set[Signal] = set()
        self.started = False
        self.ended = False
        self.unknown = 0
        self.unreadable = 0
        self.only_appended: list[str] | None = None
        # How it came, said by ``read``.
        self.streamed = False
        self.cut = False
        self.first_chunk_at_s: float | None = None

    def framed(self, event_type: str, payloads: list[bytes]) -> list[bytes]:
        """The events of a binary stream's frames of one type."""
        return named(event_type, payloads)

    def add(self, event: dict[str, Any]) -> None:
        """One event of a stream."""
        raise NotImplementedError

    def add_document(self, document: dict[str, Any]) -> None:
        """The whole answer in one; by default the same as a stream of one event."""
        self.add(document)

    def add_tail(self, tail: bytes) -> None:
        """The end of an answer whose middle is missing, where it could not be read like the rest."""

    def mark(self, word: bytes) -> None:
        """An event that is no JSON. ``[DONE]`` ends the answer of every format that has such."""
        if word.startswith(b"[DONE]"):
            self.ended = True
        else:
            self.unknown += 1
            self.unreadable += 1

    def used(self, given: int | None, made: int | None) -> None:
        """Tokens of the input and of the output so far. None says nothing, and what was said before stands."""
        self.input_tokens = self.input_tokens if given is None else given
        self.output_tokens = self.output_tokens if made is None else made

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """One message a choice, in index order; its calls are told to ``ledger``."""
        raise NotImplementedError


def read(capture: Capture, answer: Answer) -> None:
    """Reads the capture's answer into ``answer``."""
    body = response_body(capture)
    answer.cut = body.cut
    media_type = header(capture.response_headers, "content-type").partition(";")[0].strip().lower()
    max_events = max(_FREE_EVENTS, len(capture.response_body) // _MIN_EVENT_BYTES)
    if _is_sse(media_type, body.head):
        _read_stream(body, SseParser(max_events), answer)
    elif media_type in _NDJSON or _is_lines(body.head):
        _read_stream(body, NdjsonParser(max_events), answer)
    elif media_type == _EVENT_STREAM:
        _read_stream(body, EventStreamParser(max_events, answer.framed), answer)
    elif body.head[:64].lstrip().startswith(b"["):
        _read_stream(body, JsonArrayParser(max_events), answer)
    else:
        _read_document(body, capture.status, answer)
        answer.first_chunk_at_s = capture.first_byte_s
    # No final marker follows an error that is the answer.
    answer.ended = answer.ended or capture.status >= 400


def _is_sse(media_type: str, head: bytes) -> bool:
    # Some servers say so and answer an error with a plain object; others say something else of a stream.
    # No document begins like a stream, nor a stream like an object.
    beginning = head[:64].lstrip()
    if media_type == "text/event-stream":
        return not beginning.startswith(b"{")
    return beginning.startswith((b"data:", b"event:", b":"))


def _is_lines(head: bytes) -> bool:
    """Whether an object ends with its line and another begins the next, as in no document."""
    end = head.find(b"\n")
    return head.startswith(b"{") and head.startswith(b"{", end + 1) and head[: max(end, 0)].rstrip().endswith(b"}")


def _read_stream(body: Body, parser: Parser, answer: Answer) -> None:
    answer.streamed = True
    template = ChunkTemplate(answer.places)
    at_s, at = None, 0
    for at_s, end in body.arrived():
        # Piece by piece until the first content, whose arrival is asked for; then in larger steps.
        _add_bytes(answer, parser, body.head[at:end], template)
        at = end
        if answer.started:
            answer.first_chunk_at_s = at_s
            break
    _add_bytes(answer, parser, body.head[at:], template)
    if body.tail:
        at_s = None
        parser.gap()
        _add_bytes(answer, parser, body.tail, template)
        if not answer.ended:
            answer.add_tail(body.tail)
    unseen = not answer.started
    for event in parser.close():
        # It may be half an event: it is tried, and if it is none that is no wonder.
        if event.startswith(b"[") or load(event) is not None:
            _add_event(answer, event)
    if unseen and answer.started:
        answer.first_chunk_at_s = at_s
    answer.unknown += parser.oversized
    answer.cut = answer.cut or parser.full


def _add_bytes(answer: Answer, parser: Parser, data: bytes, template: ChunkTemplate) -> None:
    blocks: list[bytes] = []
    for at in range(0, len(data), _STEP_BYTES):
        blocks += parser.blocks(data[at : at + _STEP_BYTES])
        read = _add(answer, parser, blocks, template, wait=at + _STEP_BYTES < len(data))
        del blocks[:read]


def _add(answer: Answer, parser: Parser, blocks: list[bytes], template: ChunkTemplate, *, wait: bool) -> int:
    """How many of the blocks were read: all, or with ``wait`` all but one."""
    at = template.take(blocks, 0)
    while at < len(blocks) and not (wait and template.waits):
        if answer.unreadable >= _MAX_UNREADABLE:
            answer.cut = True
            return len(blocks)
        block = blocks[at]
        event = parser.data(block)
        if event is not None:
            _add_event(answer, event)
            if answer.only_appended is not None and answer.started and _is_one_piece(event, block):
                template.learn(block, answer.only_appended)
        at = template.take(blocks, at + 1)
    return at


def _is_one_piece(event: bytes, block: bytes) -> bool:
    """Whether one holds the other. An event of several data lines is none; an array's block leaves out what all have."""
    return event in block or block in event


def _add_event(answer: Answer, event: bytes) -> None:
    answer.only_appended = None
    value = None if event.startswith(b"[DONE]") else load(event)
    if isinstance(value, dict):
        answer.add(value)
    elif value is None:
        answer.mark(event)
    else:
        answer.unknown += 1


def _read_document(body: Body, status: int, answer: Answer) -> None:
    # A gap within one long text leaves a document that still reads.
    document = load(body.head + body.tail)
    whole = isinstance(document, dict)
    tail = b""
    if not whole:
        answer.unknown += not body.cut
        document, tail = salvage(body.head), body.tail
    if not isinstance(document, dict):
        document = {}
    if status >= 400:
        answer.error = document
        return
    answer.add_document(document)
    answer.add_tail(tail)
    answer.ended = answer.ended or whole
