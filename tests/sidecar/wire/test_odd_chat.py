"""What Chat Completions may send and seldom does, OpenAI's own and others': each field as the conventions have it."""

from __future__ import annotations

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

CHAT = "/v1/chat/completions"
ASKED = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}


def chunk(delta=None, finish=None, index=0, **more):
    choices = [] if delta is None else [{"index": index, "delta": delta, "finish_reason": finish}]
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": choices} | more


def called(index, name=None, arguments="", call_id=None):
    call = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{key: value for key, value in call.items() if value is not None}]}


def answered(message, finish="stop", **more):
    choice = {"index": 0, "message": {"role": "assistant", "content": None} | message, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [choice]} | more


STREAMS = {
    "interleaved choices, of which one calls": (
        [
            chunk({"role": "assistant", "content": ""}, index=1),
            chunk({"content": "B"}, index=1),
            chunk({"content": "A"}),
            chunk(called(0, "f", "", "c1"), index=1),
            chunk({"content": "a"}),
            chunk(called(0, None, "{}"), index=1),
            chunk({}, "tool_calls", index=1),
            chunk({}, "length"),
        ],
        {"response_text": "AaB", "finish_reasons": ["length", "tool_calls"], "tool_calls": [["call", "f"]]},
    ),
    "every call with index 0": (
        [
            chunk(called(0, "f", "", "c1")),
            chunk(called(0, None, "{}")),
            chunk(called(0, "g", "{}", "c2")),
            chunk(called(0, "g", "{}", "c3")),
            chunk({}, "tool_calls"),
        ],
        {"tool_calls": [["call", "f"], ["call", "g"], ["call", "g"]]},
    ),
    "calls without an index": (
        [
            chunk({"tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}),
            chunk({"tool_calls": [{"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}]}),
            chunk({}, "tool_calls"),
        ],
        {"tool_calls": [["call", "f"], ["call", "g"]], "finish_reasons": ["tool_calls"]},
    ),
    "two calls in one chunk without an index": (
        [
            chunk({"tool_calls": [{"id": "c1", "function": {"name": "f"}}, {"id": "c2", "function": {"name": "f"}}]}),
            chunk({}, "tool_calls"),
        ],
        {"tool_calls": [["call", "f"], ["call", "f"]]},
    ),
    "the id and name again with every piece": (
        [chunk(called(0, "f", piece, "c1")) for piece in ('{"a', '":', "1}")] + [chunk({}, "tool_calls")],
        {"tool_calls": [["call", "f"]]},
    ),
    "interleaved parallel calls": (
        [
            chunk(called(1, "g", "", "c2")),
            chunk(called(0, "f", "", "c1")),
            chunk(called(1, None, '{"b":1}')),
            chunk(called(0, None, '{"a":1}')),
            chunk({}, "stop"),
        ],
        {"tool_calls": [["call", "f"], ["call", "g"]], "finish_reasons": ["stop"]},
    ),
    "a custom tool": (
        [
            chunk({"tool_calls": [{"index": 0, "id": "c", "type": "custom", "custom": {"name": "sql", "input": ""}}]}),
            chunk({"tool_calls": [{"index": 0, "custom": {"input": "select 1"}}]}),
            chunk({}, "tool_calls"),
        ],
        {"tool_calls": [["call", "sql"]]},
    ),
    "a function call of the old kind": (
        [
            chunk({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ""}}),
            chunk({"function_call": {"arguments": '{"a":'}}),
            chunk({"function_call": {"arguments": "1}"}}),
            chunk({}, "function_call"),
        ],
        {"tool_calls": [["call", "f"]], "finish_reasons": ["function_call"], "response_text": ""},
    ),
    "refusal in pieces": (
        [chunk({"refusal": "I'm "}), chunk({"refusal": "sorry."}), chunk({}, "stop")],
        {"signals": ["model_refusal_structured"], "response_text": "", "finish_reasons": ["stop"]},
    ),
    "an empty refusal is none": (
        [chunk({"content": "Yes", "refusal": None}), chunk({"content": ".", "refusal": ""}), chunk({}, "stop")],
        {"signals": [], "response_text": "Yes."},
    ),
    "usage in a chunk of its own": (
        [
            chunk({"content": "A"}, usage=None),
            chunk({}, "stop", usage=None),
            chunk(usage={"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}),
        ],
        {"input_tokens": 9, "output_tokens": 3, "truncated": False},
    ),
    "usage with every chunk, of which the last counts": (
        [
            chunk({"content": str(i)}, usage={"prompt_tokens": 9, "completion_tokens": i, "total_tokens": 9 + i})
            for i in range(9)
        ],
        {"input_tokens": 9, "output_tokens": 8, "response_text": "012345678", "finish_reasons": []},
    ),
    "padding, escapes and reasoning": (
        [
            chunk({"reasoning": "hm"}, obfuscation="a"),
            chunk({"reasoning_content": 'h"m'}, obfuscation="abc"),
            *(chunk({"content": piece}, obfuscation="x" * len(piece)) for piece in ("a", "\n", '"', "\\", "é", "🌍", "b")),
            chunk({}, "stop", obfuscation=""),
        ],
        {"response_text": 'a\n"\\é🌍b', "finish_reasons": ["stop"]},
    ),
    "audio ends without a finish": (
        [
            chunk({"role": "assistant", "audio": {"id": "a", "transcript": "Hello"}}),
            chunk({"audio": {"data": "AAAA"}}),
            chunk({"audio": {"expires_at": 9}}),
        ],
        {"response_text": "", "finish_reasons": [], "truncated": False},
    ),
    "an empty finish is none": (
        [chunk({"content": "A"}, ""), chunk({"content": "b"}, ""), chunk({}, "length")],
        {"response_text": "Ab", "finish_reasons": ["length"], "truncated": False},
    ),
    "the name of a call behind its id": (
        [
            chunk({"tool_calls": [{"index": 0, "id": "c1", "type": "function"}]}),
            chunk(called(0, "f")),
            chunk(called(0, None, "{}")),
            chunk({}, "tool_calls"),
        ],
        {"tool_calls": [["call", "f"]]},
    ),
    "an error in the middle": (
        [chunk({"content": "A"}), {"error": {"message": "x", "type": "server_error", "code": None, "param": None}}],
        {"error_type": "server_error", "response_text": "A", "signals": []},
    ),
    "vLLM's error in the middle": (
        [chunk({"content": "A"}), {"error": {"message": "x", "type": "BadRequestError", "param": None, "code": 400}}],
        {"error_type": "BadRequestError", "truncated": False},
    ),
    "TGI's error in the middle": (
        [chunk({"content": "A"}), {"error": {"message": "x", "http_status_code": 422}}],
        {"error_type": "422"},
    ),
    "a policy's block in the middle": (
        [chunk({"content": "A"}), {"error": {"message": "x", "code": "content_filter"}}],
        {"signals": ["policy_block_output"], "error_type": "content_filter"},
    ),
    "Azure: the filter's first and last frames": (
        [
            {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": [
                {"prompt_index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]},
            chunk({"content": "A"}),
            {"id": "", "object": "", "created": 0, "model": "", "choices": [
                {"index": 0, "finish_reason": None, "content_filter_results": {"hate": {"filtered": False}},
                 "content_filter_offsets": {"check_offset": 1, "start_offset": 0, "end_offset": 9}}]},
            chunk({}, "content_filter"),
        ],
        {"signals": ["policy_block_output"], "response_text": "A", "response_model": "m-1"},
    ),
    "Azure: detected is not filtered": (
        [
            {**chunk({"content": "A"}), "choices": [{"index": 0, "delta": {"content": "A"}, "finish_reason": None,
             "content_filter_results": {"protected_material_text": {"filtered": False, "detected": True}}}]},
            chunk({}, "stop"),
        ],
        {"signals": [], "finish_reasons": ["stop"]},
    ),
    "Groq: usage under its own name": (
        [
            chunk({"role": "assistant", "content": ""}, x_groq={"id": "req"}),
            chunk({"content": "A"}),
            chunk({}, "stop", x_groq={"id": "req", "usage": {"prompt_tokens": 3, "completion_tokens": 2}}),
        ],
        {"input_tokens": 3, "output_tokens": 2, "finish_reasons": ["stop"]},
    ),
    "content in parts, with reasoning": (
        [
            chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}),
            chunk({"content": [{"type": "text", "text": "A"}]}),
            chunk({"content": [{"type": "reference", "reference_ids": [1]}]}),
            chunk({"content": "b"}),
            chunk({}, "stop"),
        ],
        {"response_text": "Ab"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", STREAMS)
def test_a_chat_stream(odd, shown):
    events, expected = STREAMS[odd]
    assert shown(CHAT, ASKED, [*events, "[DONE]"], expected) == expected


def test_an_empty_finish_does_not_end_a_stream(shown):
    expected = {"finish_reasons": [], "truncated": True, "response_text": "Ab"}
    assert shown(CHAT, ASKED, [chunk({"content": "A"}, ""), chunk({"content": "b"}, "")], expected) == expected


OF_OTHERS = ("without an index", "a custom tool", "Azure", "in parts", "padding", "an empty finish")
"""What the SDK's types do not have, and its client passes over."""


@pytest.mark.parametrize("odd", [case for case in STREAMS if not any(word in case for word in OF_OTHERS)])
def test_the_sdk_knows_the_chunks_of_a_chat_stream(odd):
    for event in STREAMS[odd][0]:
        if "error" not in event:
            ChatCompletionChunk.model_validate(event)


FLAGGED = {"results": [{"flagged": True, "categories": {}, "category_scores": {}}]}
DOCUMENTS = {
    "a custom tool and two parallel calls": (
        ASKED | {"tools": [{"type": "custom", "custom": {"name": "sql"}}, {"type": "function", "function": {"name": "f"}}]},
        answered(
            {"tool_calls": [
                {"id": "1", "type": "custom", "custom": {"name": "sql", "input": "x"}},
                {"id": "2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            "tool_calls",
        ),
        {"tools_offered": ["sql", "f"], "tool_calls": [["call", "sql"], ["call", "f"]], "response_text": ""},
    ),
    "functions of the old kind, and their results": (
        {"model": "m", "functions": [{"name": "f"}], "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
            {"role": "function", "name": "f", "content": "1"}]},
        answered({"content": "1."}),
        {"tools_offered": ["f"], "tool_calls": [["call", "f"], ["result", "f"]], "turns": 1},
    ),
    "results in another order, and one of nobody's": (
        {"model": "m", "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "tool_calls": [
                {"id": "1", "function": {"name": "f"}}, {"id": "2", "function": {"name": "g"}}]},
            {"role": "tool", "tool_call_id": "2", "content": "b"},
            {"role": "tool", "tool_call_id": "1", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "So?"}, {"type": "image_url", "image_url": {"url": "u"}}]},
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": "Well"}]},
        answered({"content": "."}),
        {"tool_calls": [["call", "f"], ["call", "g"], ["result", "g"], ["result", "f"]], "turns": 2},
    ),
    "developer and system are nobody's turn": (
        {"model": "m", "messages": [
            {"role": "developer", "content": "d"}, {"role": "user", "content": "a"}, {"role": "system", "content": "s"},
            {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]},
        answered({"content": "."}),
        {"turns": 2, "history_complete": "yes"},
    ),
    "a refusal of earlier is none of now": (
        {"model": "m", "messages": [{"role": "user", "content": "a"},
         {"role": "assistant", "content": None, "refusal": "No."}, {"role": "user", "content": "b"}]},
        answered({"content": "Yes."}),
        {"signals": [], "turns": 2, "response_text": "Yes."},
    ),
    "a refusal beside no content": (
        ASKED,
        answered({"refusal": "I can't."}),
        {"signals": ["model_refusal_structured"], "response_text": "", "stream": True},
    ),
    "moderation that only scores": (
        ASKED | {"moderation": {"model": "o", "policy": {"input": {"mode": "score"}, "output": {"mode": "score"}}}},
        answered({"content": "."}, moderation={"input": FLAGGED, "output": FLAGGED}),
        {"signals": []},
    ),
    "moderation that blocks the output": (
        ASKED | {"moderation": {"model": "o", "policy": {"output": {"mode": "block"}}}},
        answered({"content": ""}, moderation={"input": FLAGGED, "output": FLAGGED}),
        {"signals": ["policy_block_output"]},
    ),
    "audio with its transcript": (
        ASKED | {"modalities": ["text", "audio"]},
        answered({"audio": {"id": "a", "data": "AA", "transcript": "Hello", "expires_at": 1}}),
        {"response_text": "", "finish_reasons": ["stop"], "truncated": False},
    ),
    "safety_identifier before user": (
        ASKED | {"user": "u", "safety_identifier": "s", "prompt_cache_key": "k"},
        answered({"content": "."}),
        {"user_key": "s"},
    ),
    "a number is no user": (ASKED | {"user": 7}, answered({"content": "."}), {"user_key": None}),
    "three choices, out of order": (
        ASKED | {"n": 3},
        answered({}, choices=[
            {"index": i, "message": {"content": str(i)}, "finish_reason": f} for i, f in ((2, "length"), (0, "stop"), (1, None))]),
        {"response_text": "012", "finish_reasons": ["stop", "length"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", DOCUMENTS)
def test_a_chat_document(odd, shown):
    request, answer, expected = DOCUMENTS[odd]
    assert shown(CHAT, request, answer, expected) == expected


ERRORS = {
    "Azure blocks the prompt": (
        400,
        {"error": {"code": "content_filter", "param": "prompt", "status": 400, "message": "x", "type": None,
                   "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}}},
        {"error_type": "content_filter", "signals": ["policy_block_input"]},
    ),
    "a context that is too long": (
        400,
        {"error": {"message": "x", "type": "invalid_request_error", "code": "context_length_exceeded", "param": "messages"}},
        {"error_type": "context_length_exceeded", "signals": []},
    ),
    "llama.cpp's context": (
        400,
        {"error": {"code": 400, "message": "x", "type": "exceed_context_size_error", "n_prompt_tokens": 9, "n_ctx": 4}},
        {"error_type": "exceed_context_size_error", "signals": []},
    ),
    "an older vLLM": (
        400,
        {"object": "error", "message": "x", "type": "BadRequestError", "param": None, "code": 400},
        {"error_type": "BadRequestError", "signals": []},
    ),
    "Mistral's own number": (
        422,
        {"object": "error", "message": "x", "type": "invalid_request_error", "param": None, "code": "1500"},
        {"error_type": "1500", "signals": []},
    ),
    "FastAPI's detail": (422, {"detail": [{"type": "missing", "loc": ["body"]}]}, {"error_type": "422", "signals": []}),
    "a proxy's page": (502, b"<html>", {"error_type": "502", "signals": [], "truncated": False}),
}  # fmt: skip


@pytest.mark.parametrize("odd", ERRORS)
def test_an_error(odd, shown):
    status, answer, expected = ERRORS[odd]
    expected = expected | {"stream": True, "finish_reasons": [], "response_text": "", "request_model": "m"}
    assert shown(CHAT, ASKED, answer, expected, status=status) == expected


def test_a_request_that_is_no_json_asked_for_nothing(shown):
    expected = {
        "request_model": None,
        "turns": None,
        "history_complete": "unknown",
        "error_type": "invalid_request_error",
    }
    answer = {"error": {"code": 400, "message": "x", "type": "invalid_request_error"}}
    assert shown(CHAT, b'{"model":"m","messages":[', answer, expected, status=400) == expected


def test_the_deployment_of_azure_is_the_model_where_the_body_names_none(shown):
    expected = {"request_model": "gpt x", "operation_name": "text_completion", "finish_reasons": ["stop", "length"]}
    choices = [
        {"index": i, "text": "a", "finish_reason": f, "logprobs": None} for i, f in enumerate(("stop", "length"))
    ]
    answer = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": choices}
    Completion.model_validate(answer)
    assert shown("/openai/deployments/gpt%20x/completions", {"prompt": ["a", "b"]}, answer, expected) == expected


def test_the_documents_are_of_the_sdks_types():
    for case, (_, answer, _) in DOCUMENTS.items():
        if "moderation" not in case and "order" not in case:
            ChatCompletion.model_validate(answer)
