"""The official SDKs read the corpus: it is what the providers' own types allow, and says to them what it says to us."""

from __future__ import annotations

import json
from functools import cache

import pytest
import sdk_reading
from anthropic.types import Message, RawMessageStreamEvent
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from sidecar.wire.base import decode
from sidecar.wire.sse import SseParser

TYPES = {
    "openai.chat": (ChatCompletion, ChatCompletionChunk),
    "openai.completions": (Completion, Completion),
    "openai.responses": (Response, ResponseStreamEvent),
    "anthropic.messages": (Message, RawMessageStreamEvent),
}


def events_of(case):
    """The JSON objects of an answer, errors and pings left out: they are the transport's business, not the types'."""
    body = case.capture.response_body
    if case.capture.response_omitted:
        return []
    if case.kind == "sse":
        parser = SseParser()
        lines = parser.feed(body) + ([] if decode(case.capture).truncated else parser.close())
        objects = [json.loads(line) for line in lines if not line.startswith(b"[DONE]")]
    elif case.kind == "ndjson":
        objects = [json.loads(line) for line in body.splitlines() if line.endswith(b"}")]
    else:
        document = json.loads(body)
        objects = document if isinstance(document, list) else [document]
    return [each for each in objects if not ({"error", "detail"} & {key for key in each if each[key]})
            and each.get("type") != "ping" and each.get("object") != "error"]  # fmt: skip


def by_types(case):
    """OpenAI's and Anthropic's types; their text is compared by the tests through real servers."""
    adapter = TypeAdapter(TYPES[case.protocol][case.kind != "json"])
    for event in events_of(case) if case.capture.status == 200 else ():
        adapter.validate_python(event)


def gemini_text(case):
    types = pytest.importorskip("google.genai").types
    said = {}
    for event in events_of(case):
        for candidate in types.GenerateContentResponse.model_validate(event).candidates or []:
            parts = (candidate.content and candidate.content.parts) or []
            text = "".join(part.text for part in parts if part.text and not part.thought)
            said[candidate.index] = said.get(candidate.index, "") + text
    return "".join(text for _, text in sorted(said.items()))


def ollama_text(case):
    ollama = pytest.importorskip("ollama")
    if case.capture.path.endswith("/generate"):
        return "".join(ollama.GenerateResponse(**event).response for event in events_of(case))
    return "".join(ollama.ChatResponse(**event).message.content for event in events_of(case))


def mistral_text(case):
    models = pytest.importorskip("mistralai.client.models")
    kind = models.ChatCompletionResponse if case.kind == "json" else models.CompletionChunk
    said = ""
    for event in events_of(case) if case.capture.status == 200 else ():
        (choice,) = kind.model_validate(event).choices
        said += (choice.message if case.kind == "json" else choice.delta).content or ""
    return said


@cache
def bedrock(operation):
    """(parser, output shape) of botocore."""
    parsers = pytest.importorskip("botocore.parsers")
    model = pytest.importorskip("botocore.session").Session().get_service_model("bedrock-runtime")
    return parsers.create_parser("rest-json"), model.operation_model(operation).output_shape


def bedrock_text(case):
    if case.kind == "json":
        parser, shape = bedrock("Converse")
        answer = {
            "status_code": case.capture.status,
            "headers": dict(case.capture.response_headers),
            "body": case.capture.response_body,
        }
        parsed = parser.parse(answer, shape)
        if case.capture.status != 200:
            assert parsed["Error"]["Code"] == decode(case.capture).error_type
            return ""
        return "".join(block.get("text", "") for block in parsed["output"]["message"]["content"])
    _, shape = bedrock("ConverseStream")
    eventstream = pytest.importorskip("botocore.eventstream")
    parser = pytest.importorskip("botocore.parsers").EventStreamJSONParser()
    if "broken" in case.name or case.capture.response_omitted:
        return None  # botocore gives up where a checksum is wrong
    frames = eventstream.EventStreamBuffer()
    frames.add_data(case.capture.response_body)
    said = ""
    for frame in frames:
        event = parser.parse(frame.to_response_dict(), shape.members["stream"])
        said += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
    return said


READERS = {"gemini": gemini_text, "ollama": ollama_text, "mistral.chat": mistral_text, "bedrock": bedrock_text}


def test_the_sdk_reads_the_case_and_sees_the_same_text(sdk_case):
    if sdk_case.name.startswith("recorded_"):
        return  # real servers keep to the types less strictly; their clients read on all the same, below
    seen = READERS.get(sdk_case.protocol, by_types)(sdk_case)
    if seen is not None and not sdk_case.capture.response_omitted and not sdk_case.capture.request_truncated:
        assert seen == decode(sdk_case.capture).response_text


def test_what_is_expected_of_a_recorded_case_is_what_the_vendors_client_reads(recorded_case):
    given = recorded_case.capture
    read = sdk_reading.expected(
        recorded_case.protocol, given.request_body, given.status, recorded_case.kind, given.response_body, given.ended
    )
    assert read.items() <= recorded_case.expected.items()
