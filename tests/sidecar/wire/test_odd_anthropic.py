"""What Messages and Bedrock may send and seldom do: each field as the conventions have it."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

MESSAGES = "/v1/messages"
ASKED = {"model": "m", "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


def begun(usage=None, **more):
    usage = usage or {"input_tokens": 3, "output_tokens": 1}
    message = {"id": "msg", "type": "message", "role": "assistant", "content": [], "model": "m-1", "stop_reason": None,
               "stop_sequence": None, "usage": usage}  # fmt: skip
    return {"type": "message_start", "message": message | more}


def block(index, **content):
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index, kind, key, piece):
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, key: piece}}


def words(index, *pieces):
    return [
        block(index, type="text", text=""),
        *(delta(index, "text_delta", "text", piece) for piece in pieces),
        stop(index),
    ]


def stop(index):
    return {"type": "content_block_stop", "index": index}


def ended(reason, usage=None, **more):
    said = {"stop_reason": reason, "stop_sequence": None} | more
    return [{"type": "message_delta", "delta": said, "usage": usage or {"output_tokens": 7}}, {"type": "message_stop"}]


SEARCH = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "q"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": []}
STREAMS = {
    "thinking, signed and redacted": (
        [begun(), block(0, type="thinking", thinking="", signature=""), delta(0, "thinking_delta", "thinking", "hm"),
         delta(0, "signature_delta", "signature", "x"), stop(0), block(1, type="redacted_thinking", data="x"), stop(1),
         *words(2, "A", '"', "\n"), *ended("end_turn")],
        {"response_text": 'A"\n', "finish_reasons": ["end_turn"], "input_tokens": 3, "output_tokens": 7},
    ),
    "cached tokens, told in the end again": (
        [begun({"input_tokens": 3, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 1}),
         *words(0, "A"), *ended("end_turn", {"input_tokens": 4, "cache_creation_input_tokens": 20,
                                             "cache_read_input_tokens": 100, "output_tokens": 9})],
        {"input_tokens": 124, "output_tokens": 9},
    ),
    "pings, a server tool and parallel calls": (
        [begun(), {"type": "ping"}, *words(0, "A"), block(1, **SEARCH), stop(1), {"type": "ping"}, block(2, **FOUND), stop(2),
         block(3, type="tool_use", id="t1", name="f", input={}), delta(3, "input_json_delta", "partial_json", '{"a":'),
         delta(3, "input_json_delta", "partial_json", "1}"), stop(3),
         block(4, type="tool_use", id="t2", name="f", input={}), stop(4), *ended("tool_use")],
        {"tool_calls": [["call", "web_search"], ["result", "web_search"], ["call", "f"], ["call", "f"]],
         "finish_reasons": ["tool_use"], "response_text": "A"},
    ),
    "a refusal with its details after words": (
        [begun(), *words(0, "A"), *ended("refusal", stop_details={"type": "refusal", "category": "cyber", "explanation": None})],
        {"signals": ["policy_block_output"], "finish_reasons": ["refusal"], "response_text": "A", "truncated": False},
    ),
    "an error in the middle": (
        [begun(), *words(0, "A"), {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}],
        {"error_type": "overloaded_error", "finish_reasons": [], "truncated": True, "signals": []},
    ),
    "no message_stop after the reason": (
        [begun(), *words(0, "A"), *ended("max_tokens")[:1]],
        {"finish_reasons": ["max_tokens"], "truncated": False},
    ),
    "cut within a block": (
        [begun(), *words(0, "A")[:2]],
        {"response_text": "A", "finish_reasons": [], "truncated": True, "input_tokens": 3, "output_tokens": 1},
    ),
    "events and deltas nobody has seen": (
        [begun(), {"type": "hologram", "x": 1}, block(0, type="hologram"), delta(0, "hologram_delta", "x", "y"), stop(0),
         *words(1, "A"), *ended("end_turn")],
        {"response_text": "A", "truncated": False},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", STREAMS)
def test_a_stream_of_messages(odd, shown):
    events, expected = STREAMS[odd]
    for event in events:
        if event["type"] not in ("ping", "error") and "hologram" not in str(event):
            TypeAdapter(RawMessageStreamEvent).validate_python(event)
    assert shown(MESSAGES, ASKED, events, expected) == expected


def message(*content, reason="end_turn", **more):
    usage = {"input_tokens": 3, "output_tokens": 1}
    return begun(usage, content=list(content), stop_reason=reason)["message"] | more


DOCUMENTS = {
    "results beside words are a turn, results alone are none": (
        {"model": "m", "system": [{"type": "text", "text": "s"}], "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": [{"type": "text", "text": "b"},
                {"type": "tool_use", "id": "1", "name": "f", "input": {}}, {"type": "tool_use", "id": "2", "name": "g", "input": {}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "2", "content": "x"},
                                         {"type": "tool_result", "tool_use_id": "1", "is_error": True}]},
            {"role": "assistant", "content": "c"},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}, {"type": "text", "text": "d"}]}]},
        message({"type": "text", "text": "A"}, {"type": "text", "text": "B"}),
        {"turns": 2, "response_text": "AB", "history_complete": "yes",
         "tool_calls": [["call", "f"], ["call", "g"], ["result", "g"], ["result", "f"], ["result", "f"]]},
    ),
    "MCP, a container and tools by name": (
        {"model": "m", "container": "c", "messages": [{"role": "user", "content": "a"}], "tools": [
            {"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {}},
            {"type": "mcp_toolset", "mcp_server_name": "wiki"}]},
        message({"type": "mcp_tool_use", "id": "1", "name": "ask", "server_name": "wiki", "input": {}},
                {"type": "mcp_tool_result", "tool_use_id": "1", "is_error": False, "content": []},
                {"type": "container_upload", "file_id": "f"}, reason="pause_turn"),
        {"tools_offered": ["web_search", "f", "wiki"], "tool_calls": [["call", "ask"], ["result", "ask"]],
         "finish_reasons": ["pause_turn"], "response_text": ""},
    ),
    "a compacted history": (
        {"model": "m", "messages": [{"role": "assistant", "content": [{"type": "compaction", "content": "x"}]},
                                    {"role": "user", "content": "a"}]},
        message({"type": "text", "text": "A"}),
        {"turns": None, "history_complete": "no"},
    ),
    "an answer that was begun for the model": (
        {"model": "m", "metadata": {"user_id": "u"}, "messages": [
            {"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "assistant", "content": "{"}]},
        message({"type": "text", "text": "}"}, reason="stop_sequence"),
        {"turns": 1, "user_key": "u", "response_text": "}", "finish_reasons": ["stop_sequence"], "stream": False},
    ),
    "system messages in between": (
        {"model": "m", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"},
                                    {"role": "system", "content": "s"}, {"role": "user", "content": "c"}]},
        message({"type": "text", "text": "A"}),
        {"turns": 2},
    ),
    "a refusal without a word": (
        ASKED, message(reason="refusal", stop_details={"type": "refusal", "category": "bio", "explanation": None}),
        {"signals": ["policy_block_output"], "response_text": "", "stream": True, "truncated": False},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", DOCUMENTS)
def test_a_message_document(odd, shown):
    request, answer, expected = DOCUMENTS[odd]
    if "MCP" not in odd:
        Message.model_validate(answer)
    assert shown(MESSAGES, request, answer, expected) == expected


@pytest.mark.parametrize(
    ("status", "answer", "name"),
    [
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "x"}, "request_id": "r"}, "invalid_request_error"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "x"}}, "overloaded_error"),
        (500, {"error": {"code": 500, "message": "'messages' is required", "type": "server_error"}}, "server_error"),
        (503, b"upstream connect error", "503"),
    ],
)  # fmt: skip
def test_an_error_of_messages_is_no_block(status, answer, name, shown):
    expected = {"error_type": name, "signals": [], "finish_reasons": [], "stream": True, "turns": 1, "truncated": False}
    assert shown(MESSAGES, ASKED, answer, expected, status=status) == expected


def test_the_users_header_stands_behind_the_body(shown):
    header = ["Anthropic-User-Profile-Id", "h"]
    assert shown(MESSAGES, ASKED, message(), ["user_key"], headers=[header]) == {"user_key": "h"}
    named = ASKED | {"metadata": {"user_id": "u"}}
    assert shown(MESSAGES, named, message(), ["user_key"], headers=[header]) == {"user_key": "u"}


# Bedrock


def frame(kind, payload, message_type="event"):
    name = ":event-type" if message_type == "event" else ":exception-type"
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for key, value in ((name, kind), (":content-type", "application/json"), (":message-type", message_type))
    )
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    prelude = (16 + len(headers) + len(body)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    whole = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + body
    return whole + zlib.crc32(whole).to_bytes(4, "big")


def piece(text, index=0, **more):
    return frame("contentBlockDelta", {"contentBlockIndex": index, "delta": {"text": text}, "p": "abc"} | more)


def held(event):
    return frame("chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcdef"})


USAGE = {"usage": {"inputTokens": 3, "cacheReadInputTokens": 10, "cacheWriteInputTokens": 0, "outputTokens": 7,
                   "totalTokens": 20}, "metrics": {"latencyMs": 1}}  # fmt: skip
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
INVOKE = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
STOPPED = [frame("messageStop", {"stopReason": "end_turn"}), frame("metadata", USAGE)]
METRICS = {"inputTokenCount": 5, "outputTokenCount": 6, "invocationLatency": 1, "firstByteLatency": 1}
FRAMES = {
    "cached tokens are input": (
        "converse-stream", CONVERSE,
        [frame("messageStart", {"role": "assistant"}), piece("A"), piece('"\n'), frame("contentBlockStop", {"contentBlockIndex": 0}), *STOPPED],
        {"response_text": 'A"\n', "input_tokens": 13, "output_tokens": 7, "finish_reasons": ["end_turn"], "stream": True,
         "request_model": "us.anthropic.x-v1:0", "truncated": False, "operation_name": "chat"},
    ),
    "reasoning, then two calls": (
        "converse-stream", CONVERSE,
        [frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}),
         frame("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "1", "name": "f"}}}),
         frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": "{}"}}}),
         frame("contentBlockStart", {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "2", "name": "g"}}}),
         frame("messageStop", {"stopReason": "tool_use"})],
        {"tool_calls": [["call", "f"], ["call", "g"]], "finish_reasons": ["tool_use"], "response_text": ""},
    ),
    "throttled in the middle": (
        "converse-stream", CONVERSE, [piece("A"), frame("throttlingException", {"message": "x"}, "exception")],
        {"error_type": "throttlingException", "response_text": "A", "truncated": True},
    ),
    "content filtered": (
        "converse-stream", CONVERSE, [piece("A"), frame("messageStop", {"stopReason": "content_filtered"})],
        {"signals": ["policy_block_output"], "finish_reasons": ["content_filtered"]},
    ),
    "Anthropic's own events": (
        "invoke-with-response-stream", INVOKE,
        [held(event) for event in [begun(), *words(0, "A", '"', "b"), *ended("end_turn")[:1],
                                   {"type": "message_stop", "amazon-bedrock-invocationMetrics": METRICS}]],
        {"response_text": 'A"b', "input_tokens": 3, "output_tokens": 7, "finish_reasons": ["end_turn"], "response_model": "m-1"},
    ),
    "a guardrail beside Anthropic's events": (
        "invoke-with-response-stream", INVOKE,
        [held(begun()), *map(held, words(0, "No.")), held({"type": "message_stop", "amazon-bedrock-guardrailAction": "INTERVENED"})],
        {"signals": ["policy_block_input"], "response_text": "No."},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", FRAMES)
def test_a_stream_of_bedrock(odd, shown):
    verb, request, frames, expected = FRAMES[odd]
    path = f"/model/us.anthropic.x-v1%3A0/{verb}"
    body = b"".join(frames)
    assert shown(path, request, body, expected, content_type="application/vnd.amazon.eventstream") == expected


@pytest.mark.parametrize(
    ("trace", "signals"),
    [
        ({"input": {"g": {"topicPolicy": {"topics": [{"action": "BLOCKED"}]}}}}, ["policy_block_input"]),
        ({"input": {"g": {}}, "outputs": [{"g": {"topicPolicy": {"topics": [{"action": "BLOCKED"}]}}}]}, ["policy_block_output"]),
        ({"outputs": [{"g": {"sensitiveInformationPolicy": {"piiEntities": [{"action": "ANONYMIZED"}]}}}]}, []),
    ],
)  # fmt: skip
def test_the_trace_of_a_guardrail_says_which_side_it_blocked(trace, signals, shown):
    more = {"amazon-bedrock-guardrailAction": "INTERVENED", "amazon-bedrock-trace": {"guardrail": trace}}
    answer = message({"type": "text", "text": "Blocked."}) | more
    assert shown("/model/m/invoke", INVOKE, answer, {"signals": signals}) == {"signals": signals}


def test_base64_is_read_however_its_json_is_written(shown):
    def reordered(event):
        return frame("chunk", {"p": "ab", "bytes": base64.b64encode(json.dumps(event).encode()).decode()})

    def escaped(event):
        held = base64.b64encode(json.dumps(event).encode()).replace(b"=", rb"\u003d").replace(b"/", rb"\/")
        return frame("chunk", b'{"bytes":"%b","p":"ab"}' % held)

    events = [begun(), *words(0, "A??>", "b"), *ended("max_tokens")]
    body = b"".join(map(escaped, events[:3])) + reordered(events[3]) + b"".join(map(held, events[4:]))
    expected = {"response_text": "A??>b", "finish_reasons": ["max_tokens"], "truncated": False, "output_tokens": 7}
    path = "/model/m/invoke-with-response-stream"
    assert shown(path, INVOKE, body, expected, content_type="application/vnd.amazon.eventstream") == expected


def test_an_error_of_bedrock_is_named_in_the_body_where_no_header_does(shown):
    answer = {"__type": "com.amazon.coral.validate#ValidationException", "message": "x"}
    expected = {"error_type": "ValidationException", "signals": [], "stream": False, "request_model": "m"}
    assert shown("/model/m/converse", CONVERSE, answer, expected, status=400) == expected


def test_a_history_of_converse(shown):
    request = CONVERSE | {
        "toolConfig": {"tools": [{"toolSpec": {"name": "f"}}, {"cachePoint": {"type": "default"}}]},
        "messages": [
            *CONVERSE["messages"],
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "f", "input": {}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"text": "1"}]}}]},
            {"role": "assistant", "content": [{"text": "b"}]},
            {"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": ""}}}, {"text": "c"}]},
        ],
    }
    answer = {
        "output": {"message": {"role": "assistant", "content": [{"text": "A"}, {"reasoningContent": {}}]}},
        "stopReason": "max_tokens",
    } | USAGE
    expected = {
        "turns": 2,
        "tools_offered": ["f"],
        "tool_calls": [["call", "f"], ["result", "f"]],
        "response_text": "A",
    }
    assert shown("/model/m/converse", request, answer, expected) == expected
