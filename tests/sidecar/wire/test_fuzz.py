"""Any bytes are an Exchange or None, and never an exception."""

from __future__ import annotations

import dataclasses
import json
import zlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detectors.records.exchange import Exchange
from sidecar.wire.base import decode, formats

CONTENT_TYPES = ["application/json", "text/event-stream", "application/x-ndjson", "", "text/html",
                 "application/vnd.amazon.eventstream"]  # fmt: skip
# The words that the formats look at, so that random documents reach their branches.
WORDS = st.sampled_from(
    """
    type role user assistant tool system content text message delta index id name model usage error code input output
    choices finish_reason tool_calls function function_call arguments refusal stop_reason tool_use tool_result
    content_block message_start content_block_delta content_block_start message_delta text_delta message_stop item
    response response.completed response.output_text.delta response.output_item.added function_call_output web_search_call
    incomplete_details reason moderation results flagged policy mode block status done done_reason prompt messages tools
    input_tokens output_tokens prompt_tokens completion_tokens content_filter_results item_id output_index call_id
    image_generation_call moderation_details moderation_stage compaction innererror guardrails stream context
    inputs generated_text details token special text input_ids meta_info output_ids content stop stop_type stopped_eos
    prompt_string contents parts systemInstruction candidates finishReason promptFeedback blockReason functionCall
    functionResponse executableCode usageMetadata promptTokenCount thought functionDeclarations toolUse toolResult
    toolUseId messageStart contentBlockStart contentBlockDelta start messageStop stopReason metadata trace guardrail
    inputAssessment outputAssessments action chunk bytes anthropic_version toolConfig toolSpec reasoningContent
    """.split()  # noqa: SIM905 - a list literal of 80 lines
)
LEAVES = st.none() | st.booleans() | st.integers(-2, 3) | st.floats(allow_nan=False) | WORDS | st.text(max_size=3)
DOCUMENTS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=20
)


def frame(line):
    """A frame whose event is the first member of ``line``, if it is an object that has one."""
    document = json.loads(line)
    kind, payload = next(iter(document.items())) if isinstance(document, dict) and document else ("chunk", document)
    named = kind.encode()[:99]
    headers = b"\x0b:event-type\x07" + len(named).to_bytes(2, "big") + named
    body = json.dumps(payload).encode()
    prelude = (16 + len(headers) + len(body)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    whole = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + body
    return whole + zlib.crc32(whole).to_bytes(4, "big")


names = pytest.mark.parametrize("name", [wire_format.name for wire_format in formats()])
bounded = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


@names
@bounded
@given(data=st.data())
def test_any_bytes_are_an_exchange(name, data, capture):
    body = data.draw(st.binary(max_size=120))
    exchange = decode(
        capture(
            name,
            data.draw(st.binary(max_size=80)),
            body,
            data.draw(st.sampled_from(CONTENT_TYPES)),
            status=data.draw(st.sampled_from([0, 200, 302, 400, 403, 500])),
            response_omitted=data.draw(st.integers(0, 2)),
            response_head_bytes=data.draw(st.integers(0, len(body))),
            arrivals=tuple(data.draw(st.lists(st.tuples(st.integers(0, 150), st.floats()), max_size=4))),
            ended=data.draw(st.sampled_from(["complete", "client_aborted", "upstream_cut"])),
            request_truncated=data.draw(st.booleans()),
        )
    )
    assert isinstance(exchange, Exchange | None)


@names
@bounded
@given(request_document=DOCUMENTS, answers=st.lists(DOCUMENTS, max_size=5), kind=st.sampled_from(["sse", "json", "ndjson", "array", "eventstream"]),
       status=st.sampled_from([200, 400, 403]))  # fmt: skip
def test_any_json_in_the_words_of_the_formats_is_an_exchange(name, request_document, answers, kind, status, capture):
    lines = [json.dumps(answer).encode() for answer in answers]
    body, content_type = {
        "sse": (b"".join(b"data: %b\n\n" % line for line in lines), "text/event-stream"),
        "ndjson": (b"\n".join(lines), "application/x-ndjson"),
        "array": (b"[%b]" % b",".join(lines), "application/json"),
        "eventstream": (b"".join(map(frame, lines)), "application/vnd.amazon.eventstream"),
        "json": (lines[0] if lines else b"", "application/json"),
    }[kind]
    exchange = decode(capture(name, json.dumps(request_document).encode(), body, content_type, status=status))
    assert isinstance(exchange, Exchange | None)
    if exchange is None:
        return  # a body of another format on a shared path
    exchange.response_text.encode()
    assert all(isinstance(event.name, str) and isinstance(event.call_id, str) for event in exchange.tool_events)
    assert all(isinstance(reason, str) for reason in exchange.finish_reasons)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_a_corpus_case_with_a_byte_changed_is_an_exchange(case, data):
    body = bytearray(case.capture.response_body)
    at = data.draw(st.integers(0, len(body) - 1))
    body[at] = data.draw(st.integers(0, 255))
    assert isinstance(decode(dataclasses.replace(case.capture, response_body=bytes(body))), Exchange | None)
