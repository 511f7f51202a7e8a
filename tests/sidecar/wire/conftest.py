"""The corpus: exchanges of our own writing, and the Exchange that each of them is.

Those named ``recorded_…`` are a real llama.cpp server's (``record.py``).

``corpus/<format>/<case>.request.json`` is the request's body, ``.response.<kind>`` the answer's,
byte for byte: ``json``, ``sse``, ``ndjson``, ``array`` (a JSON array that is streamed) or
``eventstream`` (Amazon's binary frames). ``.exchange.json`` is the expected Exchange,
fields at their default left out; its ``capture`` says what of the capture is unusual.

Times are the same for all: the request was sent after 0.25 s, the answer's first block
(up to an empty line, a line of NDJSON, an object, a frame) came after 0.5 s and each further block 0.125 s
later, so that the expected time to the first chunk names the block that holds it.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from detectors.records.exchange import Exchange, Message, ToolEvent
from sidecar.commands.replay import format_check_line
from sidecar.gateway.capture import Capture

CORPUS = Path(__file__).parent / "corpus"
CONTENT_TYPES = {
    "sse": "text/event-stream; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "array": "application/json",
    "eventstream": "application/vnd.amazon.eventstream",
}
PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "openai.responses": "/v1/responses",
    "anthropic.messages": "/v1/messages",
    "ollama": "/api/chat",
    "gemini": "/v1beta/models/gemini-x:generateContent",
    "tgi": "/generate",
    "sglang": "/generate",
    "llama.cpp": "/completion",
    "mistral.chat": "/v1/chat/completions",
    "bedrock": "/model/anthropic.claude-x-v1%3A0/converse",
}
WITH_AN_SDK = ("openai.chat", "openai.completions", "openai.responses", "anthropic.messages",
               "gemini", "ollama", "mistral.chat", "bedrock")  # fmt: skip
SAME_FOR_ALL = {
    "conversation_id": "c0ffee",
    "duration_s": 2.0,
    "started_at_s": 1000.0,
    "app": "shop",
    "user_key": "5eed",
    "inclusion_probability": 0.5,
}


def capture_of(
    protocol: str,
    request: bytes = b"{}",
    response: bytes = b"",
    content_type: str = "application/json",
    **changed: Any,
) -> Capture:
    """A capture in which only what a test is about is unusual."""
    usual = Capture(
        method="POST",
        path=PATHS.get(protocol, "/toy"),
        request_headers=(("content-type", "application/json"),),
        request_body=request,
        request_truncated=False,
        status=200,
        response_headers=(("content-type", content_type),),
        response_body=response,
        response_omitted=0,
        response_head_bytes=len(response),
        started_at_s=1000.0,
        request_sent_s=0.25,
        first_byte_s=0.5,
        finished_s=2.0,
        arrivals=(),
        conversation_key="c0ffee",
        key_kind="first_message",
        user_key="5eed",
        app="shop",
        inclusion_probability=0.5,
        ended="complete",
        protocol=protocol,
    )
    return dataclasses.replace(usual, **changed)


@dataclasses.dataclass(frozen=True)
class Case:
    """One exchange of the corpus."""

    protocol: str
    name: str
    kind: str
    capture: Capture
    expected: dict[str, Any]
    sdk: bool

    @property
    def blocks(self) -> list[bytes]:
        """The answer's body, one piece an event."""
        return blocks(self.capture.response_body, self.kind)


def blocks(body: bytes, kind: str) -> list[bytes]:
    """``body`` cut behind each event."""
    if kind == "eventstream":
        pieces = []
        while body:
            length = int.from_bytes(body[:4], "big")
            pieces.append(body[:length])
            body = body[length:]
        return pieces
    pattern = {
        "sse": rb".+?(?:\n\n|\r\n\r\n|\r\r|\Z)",
        "ndjson": rb".+?(?:\n|\Z)",
        "array": rb".+?(?:\n,\r\n|\Z)",
        "json": rb".+",
    }[kind]
    return re.findall(pattern, body, re.DOTALL)


def arrivals_of(pieces: Iterable[bytes]) -> tuple[tuple[int, float], ...]:
    """One arrival a piece, 0.125 s apart."""
    arrivals, offset = [], 0
    for number, piece in enumerate(pieces):
        arrivals.append((offset, 0.5 + 0.125 * number))
        offset += len(piece)
    return tuple(arrivals)


def plain(value: Any) -> Any:
    """A record as JSON has it, fields at their default left out."""
    if isinstance(value, (Exchange, Message, ToolEvent)):
        return {
            field.name: plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.default is dataclasses.MISSING or getattr(value, field.name) != field.default
        }
    return [plain(item) for item in value] if isinstance(value, tuple) else value


def load_case(path: Path) -> Case:
    """The case whose expected Exchange stands in ``path``."""
    name = path.name.removesuffix(".exchange.json")
    (response,) = path.parent.glob(f"{name}.response.*")
    expected = json.loads(path.read_text("utf-8"))
    changed = expected.pop("capture", {})
    sdk = changed.pop("sdk", True)
    kind, body = response.suffix[1:], response.read_bytes()
    if isinstance(headers := changed.get("response_headers"), list):
        changed["response_headers"] = tuple((key, value) for key, value in headers)
    capture = capture_of(
        changed.pop("protocol", path.parent.name),
        (path.parent / f"{name}.request.json").read_bytes(),
        body,
        CONTENT_TYPES[kind],
        arrivals=arrivals_of(blocks(body, kind)),
        status=expected.get("status", 200),
        ended=expected.get("ended", "complete"),
        **changed,
    )
    return Case(path.parent.name, name, kind, capture, SAME_FOR_ALL | expected, sdk)


CASES = [load_case(path) for path in sorted(CORPUS.glob("*/*.exchange.json"))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``case``: each case; ``stream_case``: streams; ``sdk_case``: those that keep to an official SDK's types;
    ``recorded_case``: a real server's.
    """
    chosen = {
        "case": CASES,
        "stream_case": [case for case in CASES if case.kind != "json"],
        "sdk_case": [case for case in CASES if case.sdk and case.protocol in WITH_AN_SDK],
        "recorded_case": [case for case in CASES if case.name.startswith("recorded_")],
    }
    for argument, cases in chosen.items():
        if argument in metafunc.fixturenames:
            metafunc.parametrize(argument, cases, ids=[f"{case.protocol}/{case.name}" for case in cases])


@pytest.fixture
def capture() -> Callable[..., Capture]:
    return capture_of


def shown_fields(
    path, request, answer, fields, *, status=200, content_type=None, provider=None, cut=False, headers=(), encoding=None
):
    """Of what ``kilter replay --format-check`` shows for an exchange, ``fields``.

    ``answer``: a list of events (SSE), an object, or bytes as they are.
    """
    if isinstance(answer, list):
        body = "".join(f"data: {each if isinstance(each, str) else json.dumps(each)}\n\n" for each in answer).encode()
    else:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    json_type = ["content-type", "application/json"]
    answer_type = content_type or ("text/event-stream" if isinstance(answer, list) else "application/json")
    answer_headers = [["content-type", answer_type], *([["content-encoding", encoding]] if encoding else [])]
    sent = request if isinstance(request, bytes) else json.dumps(request).encode()
    record = {
        "config": {"provider": provider} if provider else {},
        "request": {
            "method": "POST",
            "path": path,
            "headers": [json_type, *headers],
            "body_b64": base64.b64encode(sent).decode(),
        },
        "response": {
            "status": status,
            "headers": answer_headers,
            "body_b64": base64.b64encode(body).decode(),
            "cut": cut,
        },
    }
    shown = json.loads(format_check_line(record))
    return shown and {field: shown[field] for field in fields}


@pytest.fixture
def shown() -> Callable[..., dict[str, Any]]:
    return shown_fields


@pytest.fixture
def as_plain() -> Callable[[Any], Any]:
    return plain


@pytest.fixture
def arrivals() -> Callable[[Iterable[bytes]], tuple[tuple[int, float], ...]]:
    return arrivals_of


@pytest.fixture
def corpus() -> list[Case]:
    return CASES
