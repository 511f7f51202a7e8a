"""What Gemini, Ollama, TGI, SGLang, llama.cpp and Mistral may send and seldom do: each field as the conventions have it."""

from __future__ import annotations

import gzip
import json

import brotli
import pytest
from backports import zstd

GEMINI = "/v1beta/models/gemini-x:streamGenerateContent"
VERTEX = "/v1/projects/p/locations/us-central1/publishers/google/models/gemini-x:generateContent"


def asked(*contents, **more):
    return {
        "contents": [{"role": role, "parts": list(parts)} for role, *parts in contents or [("user", {"text": "Hi"})]]
    } | more


def chunk(*parts, finish=None, index=0, usage=None, **more):
    candidate = {"index": index, "content": {"role": "model", "parts": list(parts)}} if parts else {"index": index}
    if finish:
        candidate["finishReason"] = finish
    event = {"candidates": [candidate], "modelVersion": "g-1", "responseId": "r"} | more
    return event | ({"usageMetadata": usage} if usage else {})


def calls(name, call_id=None):
    return {"functionCall": {"name": name, "args": {}} | ({"id": call_id} if call_id else {})}


def gives(name, call_id=None, **response):
    return {"functionResponse": {"name": name, "response": response} | ({"id": call_id} if call_id else {})}


GEMINIS = {
    "thoughts, words and the last usage": (
        asked(),
        [chunk({"text": "hm", "thought": True}, usage={"promptTokenCount": 9, "thoughtsTokenCount": 2}),
         *(chunk({"text": said}, usage={"promptTokenCount": 9, "candidatesTokenCount": i, "thoughtsTokenCount": 2})
           for i, said in enumerate(("A", "\n", "🌍"), 1)),
         chunk({"text": "", "thoughtSignature": "x"}, finish="STOP",
               usage={"promptTokenCount": 9, "cachedContentTokenCount": 4, "candidatesTokenCount": 4, "thoughtsTokenCount": 3})],
        {"response_text": "A\n🌍", "input_tokens": 9, "output_tokens": 7, "finish_reasons": ["STOP"], "stream": True,
         "request_model": "gemini-x", "response_model": "g-1", "operation_name": "generate_content"},
    ),
    "the prompt is blocked": (
        asked(), [{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 9}}],
        {"signals": ["policy_block_input"], "finish_reasons": [], "truncated": False, "error_type": None, "input_tokens": 9},
    ),
    "safety ends it": (
        asked(), [chunk({"text": "A"}), chunk(finish="SAFETY", usage={"promptTokenCount": 9, "totalTokenCount": 9})],
        {"signals": ["policy_block_output"], "finish_reasons": ["SAFETY"], "response_text": "A", "output_tokens": None},
    ),
    "a malformed call is no block": (
        asked(), [chunk(finish="MALFORMED_FUNCTION_CALL")],
        {"signals": [], "finish_reasons": ["MALFORMED_FUNCTION_CALL"], "tool_calls": []},
    ),
    "parallel calls with ids, answered in another order": (
        asked(("user", {"text": "a"}), ("model", calls("f", "1"), calls("f", "2"), calls("g", "3")),
              ("user", gives("g", "3", x=1), gives("f", "2"), gives("f", "1")), ("model", {"text": "b"}), ("user", {"text": "c"})),
        [chunk(calls("h", "4"), calls("h"), finish="STOP")],
        {"turns": 2, "tool_calls": [["call", "f"], ["call", "f"], ["call", "g"], ["result", "g"], ["result", "f"], ["result", "f"],
                                    ["call", "h"], ["call", "h"]]},
    ),
    "calls without ids in the function's own role": (
        asked(("user", {"text": "a"}), ("model", calls("f"), calls("g")), ("function", gives("f"), gives("g"))),
        [chunk({"text": "A"}, finish="STOP")],
        {"turns": 1, "tool_calls": [["call", "f"], ["call", "g"], ["result", "f"], ["result", "g"]]},
    ),
    "underscores for capitals": (
        {"system_instruction": {"parts": [{"text": "s"}]}, "tools": [{"function_declarations": [{"name": "f"}]}],
         "contents": [{"parts": [{"text": "a"}]}, {"role": "model", "parts": [{"function_call": {"name": "f", "args": {}}}]},
                      {"role": "user", "parts": [{"function_response": {"name": "f", "response": {}}}]}]},
        [chunk({"text": "A"}, finish="STOP")],
        {"turns": 1, "tools_offered": ["f"], "tool_calls": [["call", "f"], ["result", "f"]]},
    ),
    "several tools of the server's": (
        asked(tools=[{"googleSearch": {}}, {"codeExecution": {}}, {"functionDeclarations": [{"name": "f"}, {"name": "g"}]}]),
        [chunk({"executableCode": {"language": "PYTHON", "code": "1"}}, {"codeExecutionResult": {"outcome": "OUTCOME_OK"}}),
         chunk({"text": "1"}, finish="STOP", groundingMetadata={})],
        {"tools_offered": ["googleSearch", "codeExecution", "f", "g"], "response_text": "1",
         "tool_calls": [["call", "codeExecution"], ["result", "codeExecution"]]},
    ),
    "two candidates, interleaved": (
        asked(generationConfig={"candidateCount": 2}),
        [chunk({"text": "B"}, index=1), chunk({"text": "A"}), chunk({"text": "b"}, index=1, finish="MAX_TOKENS"),
         chunk({"text": "a"}, finish="STOP")],
        {"response_text": "AaBb", "finish_reasons": ["STOP", "MAX_TOKENS"]},
    ),
    "an error in the middle": (
        asked(), [chunk({"text": "A"}), {"error": {"code": 503, "message": "x", "status": "UNAVAILABLE"}}],
        {"error_type": "UNAVAILABLE", "response_text": "A", "truncated": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", GEMINIS)
@pytest.mark.parametrize("layout", ["sse", "array", "pretty"])
def test_gemini(odd, layout, shown):
    request, events, expected = GEMINIS[odd]
    if layout == "sse":
        assert shown(GEMINI, request, events, expected) == expected
        return
    pretty = [json.dumps(event, indent=2 if layout == "pretty" else None, ensure_ascii=False) for event in events]
    body = ("[" + "\n,\r\n".join(pretty) + "\n]").encode()
    assert shown(GEMINI, request, body, expected, content_type="application/json; charset=UTF-8") == expected


def test_one_alone_is_taken_for_an_array_of_it(shown):
    request = {
        "contents": {"role": "USER", "parts": {"text": "a"}},
        "systemInstruction": {"parts": {"text": "s"}},
        "tools": {"functionDeclarations": {"name": "f"}},
    }
    expected = {"turns": 1, "tools_offered": ["f"], "response_text": "A"}
    assert shown(VERTEX, request, chunk({"text": "A"}, finish="STOP"), expected) == expected


def test_vertex_and_its_error(shown):
    error = {"error": {"code": 429, "message": "x", "status": "RESOURCE_EXHAUSTED"}}
    expected = {
        "error_type": "RESOURCE_EXHAUSTED",
        "request_model": "gemini-x",
        "stream": False,
        "signals": [],
        "truncated": False,
    }
    assert shown(VERTEX, asked(labels={"team": "x"}), error, expected, status=429) == expected


# Ollama


def lines(*objects):
    return "".join(json.dumps(each) + "\n" for each in objects).encode()


def line(content="", **more):
    return {
        "model": "m",
        "created_at": "2025-01-01T00:00:00.1Z",
        "message": {"role": "assistant", "content": content},
        "done": False,
    } | more


DONE = {"done": True, "done_reason": "stop", "prompt_eval_count": 9, "eval_count": 3, "eval_duration": 9}
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
OLLAMAS = {
    "thinking, words and a call": (
        "/api/chat", CHAT | {"tools": [{"type": "function", "function": {"name": "f"}}]},
        [line(message={"role": "assistant", "content": "", "thinking": "hm"}), line("A"), line("\n"),
         line(message={"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}),
         line(**DONE)],
        {"stream": True, "tools_offered": ["f"], "tool_calls": [["call", "f"]], "response_text": "A\n", "input_tokens": 9,
         "output_tokens": 3, "finish_reasons": ["stop"], "operation_name": "chat"},
    ),
    "results named by their tool": (
        "/api/chat",
        {"model": "m", "stream": False, "messages": [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f"}}, {"function": {"name": "g"}}]},
            {"role": "tool", "tool_name": "g", "content": "1"}, {"role": "tool", "content": "2"},
            {"role": "user", "content": "b", "images": ["AA"]}]},
        [line("A", **DONE)],
        {"stream": False, "turns": 2, "tool_calls": [["call", "f"], ["call", "g"], ["result", "g"], ["result", "f"]]},
    ),
    "the model is loaded": (
        "/api/generate", {"model": "m"}, [{"model": "m", "created_at": "x", "response": "", "done": True, "done_reason": "load"}],
        {"finish_reasons": ["load"], "response_text": "", "input_tokens": None, "operation_name": "text_completion"},
    ),
    "its own memory": (
        "/api/generate", {"model": "m", "prompt": "a", "context": [1, 2]},
        [{"model": "m", "response": "A", "done": False}, {"model": "m", "response": "", **DONE, "context": [1, 2, 3]}],
        {"turns": None, "history_complete": "no", "response_text": "A", "truncated": False},
    ),
    "an error in the middle": (
        "/api/chat", CHAT, [line("A"), {"error": "an error was encountered while running the model"}],
        {"error_type": "200", "response_text": "A", "truncated": True, "finish_reasons": []},
    ),
    "an old server gives no reason": (
        "/api/chat", CHAT, [line("A"), line(done=True)], {"finish_reasons": [], "truncated": False},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", OLLAMAS)
def test_ollama(odd, shown):
    path, request, objects, expected = OLLAMAS[odd]
    assert shown(path, request, lines(*objects), expected, content_type="application/x-ndjson") == expected


# TGI, SGLang, llama.cpp


def token(text, special=False, whole=None, **details):
    found = {"id": 5, "text": text, "logprob": -0.1, "special": special}
    return {"index": 1, "token": found, "generated_text": whole, "details": details or None}


def sample(text, number, finish=None, **more):
    facts = {"id": "a", "finish_reason": finish and {"type": finish}, "prompt_tokens": 3, "completion_tokens": number}
    return {"text": text, "meta_info": facts} | more


def piece(content, number, **more):
    return {
        "index": 0,
        "content": content,
        "tokens": [number],
        "stop": False,
        "id_slot": -1,
        "tokens_predicted": number,
    } | more


STOP = {"stop": True, "model": "l", "stop_type": "eos", "tokens_evaluated": 9}
SERVERS = {
    "TGI: special tokens are no text": (
        "/generate_stream", {"inputs": "x"}, [token("A"), token("b"), token("</s>", True, "Ab", finish_reason="eos_token", generated_tokens=3, input_length=4)],
        {"response_text": "Ab", "finish_reasons": ["eos_token"], "input_tokens": 4, "output_tokens": 3, "stream": True},
    ),
    "TGI: cut": (
        "/generate_stream", {"inputs": "x"}, [token("A"), token("<s>", True), token("b")],
        {"response_text": "Ab", "truncated": True, "finish_reasons": [], "turns": 1},
    ),
    "TGI: an error in the middle": (
        "/generate_stream", {"inputs": "x"}, [token("A"), {"error": "Request failed", "error_type": "generation"}],
        {"error_type": "generation", "truncated": True},
    ),
    "TGI: a document without details": (
        "/generate", {"inputs": "x"}, {"generated_text": "A"},
        {"response_text": "A", "finish_reasons": [], "input_tokens": None, "output_tokens": None, "truncated": False, "stream": False},
    ),
    "SGLang: cumulative": (
        "/generate", {"text": "x", "stream": True}, [sample("A", 1), sample('A"', 2), sample('A"\nb', 3), sample('A"\nb.', 4, "stop"), "[DONE]"],
        {"response_text": 'A"\nb.', "finish_reasons": ["stop"], "input_tokens": 3, "output_tokens": 4, "stream": True},
    ),
    "SGLang: only what is new": (
        "/generate", {"text": "x", "stream": True}, [sample("A", 1), sample("b", 2), sample("b", 3), sample("", 3, "length"), "[DONE]"],
        {"response_text": "Abb", "finish_reasons": ["length"], "output_tokens": 3},
    ),
    "SGLang: aborted": (
        "/generate", {"input_ids": [1]}, sample("A", 1) | {"meta_info": {"finish_reason": {"type": "abort", "message": "x", "err_type": "BadRequestError"}}},
        {"finish_reasons": ["abort"], "error_type": "BadRequestError", "response_text": "A"},
    ),
    "SGLang: interleaved samples": (
        "/generate", {"text": "x", "sampling_params": {"n": 2}, "stream": True},
        [sample("B", 1, index=1), sample("A", 1, index=0), sample("Bb", 2, index=1), sample("Aa", 2, index=0), sample("Bb", 2, "stop", index=1), sample("Aa", 2, "length", index=0)],
        {"response_text": "AaBb", "finish_reasons": ["length", "stop"]},
    ),
    "llama.cpp: pieces": (
        "/completion", {"prompt": "x", "stream": True}, [piece("A", 1), piece("\n", 2), piece("b", 3), piece("", 3, **STOP)],
        {"response_text": "A\nb", "finish_reasons": ["eos"], "input_tokens": 9, "output_tokens": 3, "response_model": "l"},
    ),
    "llama.cpp: an error in a field of its own": (
        "/completion", {"prompt": "x", "stream": True}, b'data: {"content":"A","stop":false}\n\nerror: {"code":500,"message":"x","type":"server_error"}\n\n',
        {"error_type": "server_error", "response_text": "A", "truncated": True},
    ),
    "llama.cpp: two prompts begin with nothing": (
        "/completion", {"prompt": ["x", "y"], "stream": True},
        ["null", piece("B", 1) | {"index": 1}, piece("A", 1), piece("", 1, **STOP), piece("", 1, **STOP) | {"index": 1, "stop_type": "limit"}],
        {"response_text": "AB", "finish_reasons": ["eos", "limit"], "truncated": False},
    ),
}  # fmt: skip


@pytest.mark.parametrize("odd", SERVERS)
def test_a_server_of_ones_own(odd, shown):
    path, request, answer, expected = SERVERS[odd]
    content_type = "text/event-stream" if isinstance(answer, bytes) else None
    assert shown(path, request, answer, expected, content_type=content_type) == expected


def test_the_root_path_is_tgis_where_it_is_named(shown):
    expected = {"response_text": "A", "operation_name": "text_completion"}
    assert shown("/", {"inputs": "x"}, [{"generated_text": "A"}], expected, provider="tgi") == expected
    assert shown("/", {"inputs": "x"}, [{"generated_text": "A"}], expected, provider="huggingface") == expected
    assert shown("/", {"inputs": "x"}, [{"generated_text": "A"}], expected) is None


@pytest.mark.parametrize("provider", ["mistral", "mistral_ai", "mistralai", "Mistral AI"])
def test_mistrals_403_is_a_block(provider, shown):
    answer = {"object": "error", "message": "x", "type": "guardrail_violation", "param": None, "code": None}
    expected = {"signals": ["policy_block_input"], "error_type": "guardrail_violation"}
    assert shown("/v1/chat/completions", CHAT, answer, expected, status=403, provider=provider) == expected


# Bytes

ENCODERS = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstd.compress}
WORDS = [{"choices": [{"index": 0, "delta": {"content": each}}]} for each in ("Grüße ", "🌍", " Да")]
BODY = "".join(f"data: {json.dumps(each, ensure_ascii=False)}\n\n" for each in WORDS).encode()


CALLED = ["text/plain", "text/event-stream", "TEXT/EVENT-STREAM;charset=UTF-8", "application/octet-stream", "application/json"]  # fmt: skip


@pytest.mark.parametrize("content_type", [*CALLED, "application/x-ndjson", "application/stream+json"])
def test_lines_are_read_whatever_they_are_called(content_type, shown):
    expected = {"response_text": "A{\n", "finish_reasons": ["stop"], "input_tokens": 9, "truncated": False}
    answer = lines(line("A"), line("{\n"), line(**DONE))
    assert shown("/api/chat", CHAT, answer, expected, content_type=content_type) == expected


@pytest.mark.parametrize("content_type", CALLED)
def test_a_stream_is_read_whatever_it_is_called(content_type, shown):
    expected = {"response_text": "Grüße 🌍 Да", "truncated": True}
    assert shown("/v1/chat/completions", CHAT, BODY, expected, content_type=content_type) == expected


def test_a_stream_cut_within_a_character_keeps_what_came_before(shown):
    at = BODY.index("🌍".encode()) + 2
    expected = {"response_text": "Grüße ", "truncated": True}
    assert (
        shown("/v1/chat/completions", CHAT, BODY[:at], expected, content_type="text/event-stream", cut=True) == expected
    )


@pytest.mark.parametrize("encoding", ENCODERS)
def test_half_of_an_encoded_stream_is_read_as_far_as_it_goes(encoding, shown):
    whole, seen = ENCODERS[encoding](BODY), set()
    for end in range(len(whole) + 1):
        body, fields = whole[:end], ["response_text", "truncated"]
        read = shown("/v1/chat/completions", CHAT, body, fields, content_type="text/event-stream", encoding=encoding)
        assert "Grüße 🌍 Да".startswith(read["response_text"])
        assert read["truncated"]
        seen.add(read["response_text"])
    assert "Grüße 🌍 Да" in seen


def test_a_byte_order_mark_hides_neither_body(shown):
    bodies = (json.dumps(CHAT), json.dumps({"message": {"role": "assistant", "content": "A"}, "done": True}))
    request, answer = (each.encode("utf-8-sig") for each in bodies)
    expected = {"request_model": "m", "turns": 1, "response_text": "A", "truncated": False}
    assert shown("/api/chat", request, answer, expected) == expected


def test_a_gateways_fractions_are_counts(shown):
    answer = line("A", **DONE | {"prompt_eval_count": 9.0, "eval_count": 3.5})
    expected = {"input_tokens": 9, "output_tokens": None}
    assert shown("/api/chat", CHAT | {"stream": False}, answer, expected) == expected
