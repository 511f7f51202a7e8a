"""What the Responses API may send and seldom does: each field as the conventions have it."""

from __future__ import annotations

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

RESPONSES = "/v1/responses"


def output(*items, status="completed", **more):
    body = {"id": "r", "object": "response", "created_at": 1, "model": "m-1", "output": list(items), "status": status,
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": []}  # fmt: skip
    return body | more


def words(*said, kind="output_text", key="text"):
    parts = [{"type": kind, key: each} | ({"annotations": []} if key == "text" else {}) for each in said]
    return {"id": "m1", "type": "message", "role": "assistant", "status": "completed", "content": parts}


USAGE = {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0}, "output_tokens": 7,
         "output_tokens_details": {"reasoning_tokens": 5}, "total_tokens": 16}  # fmt: skip
RESPONSE_DOCUMENTS = {
    "server tools are call and result": (
        {"model": "m", "input": "Hi", "tools": [
            {"type": "web_search"}, {"type": "file_search", "vector_store_ids": ["v"]},
            {"type": "code_interpreter", "container": {"type": "auto"}}, {"type": "image_generation"},
            {"type": "mcp", "server_label": "deepwiki", "server_url": "u"}, {"type": "custom", "name": "sql"},
            {"type": "function", "name": "f", "parameters": {}, "strict": True}]},
        output(
            {"id": "l", "type": "mcp_list_tools", "server_label": "deepwiki", "tools": []},
            {"id": "1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}},
            {"id": "2", "type": "file_search_call", "status": "completed", "queries": ["q"]},
            {"id": "3", "type": "code_interpreter_call", "status": "completed", "code": "1", "container_id": "c", "outputs": None},
            {"id": "4", "type": "image_generation_call", "status": "completed", "result": "AA"},
            {"id": "5", "type": "mcp_call", "name": "ask", "arguments": "{}", "server_label": "deepwiki", "output": "x"},
            words("Done."),
            usage=USAGE,
        ),
        {"tools_offered": ["web_search", "file_search", "code_interpreter", "image_generation", "deepwiki", "sql", "f"],
         "tool_calls": [[kind, name] for name in ("web_search", "file_search", "code_interpreter", "image_generation", "ask")
                        for kind in ("call", "result")],
         "response_text": "Done.", "input_tokens": 9, "output_tokens": 7, "finish_reasons": ["completed"]},
    ),
    "a whole history, with reasoning": (
        {"model": "m", "instructions": "Be brief.", "store": False, "input": [
            {"role": "user", "content": "a"},
            {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "x"},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call", "call_id": "c2", "name": "g", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c2", "output": "2"},
            {"type": "function_call_output", "call_id": "c1", "output": "1"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "b"}]},
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "c"}, {"type": "input_image"}]}]},
        output(words("A", "B")),
        {"turns": 2, "history_complete": "yes", "response_text": "AB",
         "tool_calls": [["call", "f"], ["call", "g"], ["result", "g"], ["result", "f"]]},
    ),
    "a history that is elsewhere": (
        {"model": "m", "previous_response_id": "r0", "input": [{"type": "function_call_output", "call_id": "c", "output": "1"}]},
        output(words("A")),
        {"turns": None, "history_complete": "no", "tool_calls": [["result", ""]]},
    ),
    "a compacted history": (
        {"model": "m", "input": [{"type": "compaction", "encrypted_content": "x"}, {"role": "user", "content": "a"}]},
        output(words("A")),
        {"turns": None, "history_complete": "no"},
    ),
    "a conversation": (
        {"model": "m", "conversation": {"id": "conv"}, "input": "a"},
        output(words("A"), conversation={"id": "conv"}),
        {"turns": None, "history_complete": "no"},
    ),
    "an item by reference": (
        {"model": "m", "input": [{"id": "msg_1"}, {"role": "user", "content": "a"}]},
        output(words("A")),
        {"turns": None, "history_complete": "no"},
    ),
    "computers, shells and patches": (
        {"model": "m", "input": [
            {"role": "user", "content": "a"},
            {"type": "computer_call", "id": "i", "call_id": "c1", "status": "completed", "action": {"type": "wait"}, "pending_safety_checks": []},
            {"type": "computer_call_output", "call_id": "c1", "output": {"type": "computer_screenshot"}},
            {"type": "shell_call", "call_id": "c2", "action": {"commands": []}},
            {"type": "shell_call_output", "call_id": "c2", "output": []},
            {"type": "apply_patch_call", "call_id": "c3", "operation": {}, "status": "completed"},
            {"type": "apply_patch_call_output", "call_id": "c3", "status": "completed"},
            {"type": "custom_tool_call", "call_id": "c4", "name": "sql", "input": "x"},
            {"type": "custom_tool_call_output", "call_id": "c4", "output": "y"}]},
        output(words("A")),
        {"turns": 1, "tool_calls": [[kind, name] for name in ("computer", "shell", "apply_patch", "sql") for kind in ("call", "result")]},
    ),
    "incomplete by length": (
        {"model": "m", "input": "a"},
        output(words("A"), status="incomplete", incomplete_details={"reason": "max_output_tokens"}),
        {"finish_reasons": ["incomplete:max_output_tokens"], "signals": [], "truncated": False},
    ),
    "incomplete by policy": (
        {"model": "m", "input": "a"},
        output(status="incomplete", incomplete_details={"reason": "content_filter"}),
        {"finish_reasons": ["incomplete:content_filter"], "signals": ["policy_block_output"], "response_text": ""},
    ),
    "failed": (
        {"model": "m", "input": "a"},
        output(status="failed", error={"code": "server_error", "message": "x"}),
        {"finish_reasons": ["failed"], "error_type": "server_error", "signals": []},
    ),
    "failed by policy": (
        {"model": "m", "input": "a"},
        output(status="failed", error={"code": "bio_policy", "message": "x"}),
        {"finish_reasons": ["failed"], "error_type": "bio_policy", "signals": ["policy_block_input"]},
    ),
    "in the background": (
        {"model": "m", "input": "a", "background": True},
        output(status="queued"),
        {"finish_reasons": ["queued"], "truncated": False, "response_text": ""},
    ),
    "a refusal part": (
        {"model": "m", "input": "a"},
        output(words("I can't.", kind="refusal", key="refusal")),
        {"signals": ["model_refusal_structured"], "response_text": "", "finish_reasons": ["completed"]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", RESPONSE_DOCUMENTS)
def test_a_response(odd, shown):
    request, answer, expected = RESPONSE_DOCUMENTS[odd]
    if "policy" not in odd:
        Response.model_validate(answer)
    assert shown(RESPONSES, request, answer, expected) == expected


def event(kind, **more):
    return {"type": f"response.{kind}", "sequence_number": 1} | more


def added(index, item, kind="added"):
    return event(f"output_item.{kind}", output_index=index, item=item)


def delta(kind, piece, index=0, item_id="m1", **more):
    return event(f"{kind}.delta", item_id=item_id, output_index=index, content_index=0, delta=piece, **more)


CALL = {"id": "f1", "type": "function_call", "call_id": "c1", "name": "f", "arguments": "", "status": "in_progress"}
BEGUN = [
    event("created", response=output(status="in_progress")),
    event("in_progress", response=output(status="in_progress")),
]
MESSAGE = words() | {"status": "in_progress"}
RESPONSE_STREAMS = {
    "deltas alone, out of order": (
        [*BEGUN, added(1, MESSAGE), delta("output_text", "A", 1, logprobs=[]), added(0, CALL),
         delta("function_call_arguments", "{}", 0, "f1"), delta("output_text", "b", 1, logprobs=[])],
        {"response_text": "Ab", "tool_calls": [["call", "f"]], "truncated": True, "finish_reasons": []},
    ),
    "the end's output is the truth": (
        [*BEGUN, added(0, MESSAGE), delta("output_text", "A", logprobs=[]),
         event("completed", response=output(words("Ab"), usage=USAGE))],
        {"response_text": "Ab", "finish_reasons": ["completed"], "output_tokens": 7, "truncated": False},
    ),
    "a refusal in pieces": (
        [*BEGUN, added(0, MESSAGE), delta("refusal", "I "), delta("refusal", "can't"),
         event("refusal.done", item_id="m1", output_index=0, content_index=0, refusal="I can't")],
        {"signals": ["model_refusal_structured"], "response_text": "", "truncated": True},
    ),
    "failed": (
        [*BEGUN, event("failed", response=output(status="failed", error={"code": "rate_limit_exceeded", "message": "x"}))],
        {"finish_reasons": ["failed"], "error_type": "rate_limit_exceeded", "truncated": False},
    ),
    "an error of its own": (
        [*BEGUN, {"type": "error", "sequence_number": 2, "code": "server_error", "message": "x", "param": None}],
        {"error_type": "server_error", "truncated": True, "finish_reasons": []},
    ),
    "incomplete by policy after words": (
        [*BEGUN, added(0, MESSAGE), delta("output_text", "A", logprobs=[]),
         event("incomplete", response=output(words("A"), status="incomplete", incomplete_details={"reason": "content_filter"}))],
        {"finish_reasons": ["incomplete:content_filter"], "signals": ["policy_block_output"], "response_text": "A"},
    ),
    "events nobody has seen": (
        [*BEGUN, event("hologram.delta", delta="x"), added(0, MESSAGE), delta("output_text", "A", logprobs=[]),
         event("completed", response=output(words("A"), {"id": "h", "type": "hologram_thing"}))],
        {"response_text": "A", "tool_calls": [], "truncated": False},
    ),
    "a server tool without an end": (
        [*BEGUN, added(0, {"id": "w", "type": "web_search_call", "status": "in_progress", "action": {"type": "search", "query": "q"}}),
         event("web_search_call.searching", item_id="w", output_index=0)],
        {"tool_calls": [["call", "web_search"], ["result", "web_search"]], "truncated": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", RESPONSE_STREAMS)
def test_a_responses_stream(odd, shown):
    events, expected = RESPONSE_STREAMS[odd]
    for each in events:
        if "hologram" not in str(each):
            TypeAdapter(ResponseStreamEvent).validate_python(each)
    assert shown(RESPONSES, {"model": "m", "input": "a", "stream": True}, events, expected) == expected
