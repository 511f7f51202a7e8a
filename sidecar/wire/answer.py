"""An answer being read: the events of a stream, the objects of an array, or one JSON document.

Rules of this file: what the answer is, its Content-Type says, not what the request asked
for; the Exchange does not depend on where the network cut the bytes; no more than
10,000 events are read, or one for each 96 bytes, and no more than 1,000 that cannot be, since
each costs time.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from detectors.records.exchange import Message, Signal
from sidecar.gateway.capture import Capture
from sidecar.wire.body import Body, response_body
from sidecar.wire.chunk_template import ChunkTemplate, Places
from sidecar.wire.eventstream import EventStreamParser
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

    def unwrapped(self, events: list[bytes]) -> list[bytes]:
        """The events of a stream, out of an envelope where the format has one."""
        return events

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
    elif media_type in _NDJSON:
        _read_stream(body, NdjsonParser(max_events), answer)
    elif media_type == _EVENT_STREAM:
        _read_stream(body, EventStreamParser(max_events), answer)
    elif body.head[:64].lstrip().startswith(b"["):
        _read_stream(body, JsonArrayParser(max_events), answer)
    else:
        _read_document(body, capture.status, answer)
        answer.first_chunk_at_s = capture.first_byte_s
    # No final marker follows an error that is the answer.
    answer.ended = answer.ended or capture.status >= 400


def _is_sse(media_type: str, head: bytes) -> bool:
    beginning = head[:64].lstrip()
    if media_type == "text/event-stream":
        # Some servers say so and answer an error with a plain object, which no stream begins with.
        return not beginning.startswith(b"{")
    return "json" not in media_type and beginning.startswith((b"data:", b"event:", b":"))


def _read_stream(body: Body, parser: Parser, answer: Answer) -> None:
    answer.streamed = True
    template = ChunkTemplate(answer.places)
    at_s, rest = None, []
    for piece_at_s, piece in body.pieces():
        # Piece by piece until the first content, whose arrival is asked for; then all at once.
        if answer.started:
            rest.append(piece)
            continue
        at_s = piece_at_s
        _add(answer, parser, parser.blocks(piece), template)
        if answer.started:
            answer.first_chunk_at_s = at_s
    _add(answer, parser, parser.blocks(b"".join(rest)), template)
    if body.tail:
        at_s = None
        parser.gap()
        _add(answer, parser, parser.blocks(body.tail), template)
        if not answer.ended:
            answer.add_tail(body.tail)
    unseen = not answer.started
    for event in answer.unwrapped(parser.close()):
        # It may be half an event: it is tried, and if it is none that is no wonder.
        if event.startswith(b"[") or load(event) is not None:
            _add_event(answer, event)
    if unseen and answer.started:
        answer.first_chunk_at_s = at_s
    answer.unknown += parser.oversized
    answer.cut = answer.cut or parser.full


def _add(answer: Answer, parser: Parser, blocks: list[bytes], template: ChunkTemplate) -> None:
    blocks = answer.unwrapped(blocks)
    at = template.take(blocks, 0)
    while at < len(blocks):
        if answer.unreadable >= _MAX_UNREADABLE:
            answer.cut = True
            return
        block = blocks[at]
        event = parser.data(block)
        if event is not None:
            _add_event(answer, event)
            if answer.only_appended is not None and answer.started and block.endswith(event):
                template.learn(block, answer.only_appended)
        at = template.take(blocks, at + 1)


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
