"""What decoding costs: µs a 2 KB JSON exchange, and µs a streamed chunk, by format.

    python tests/bench/wire.py [WORD…]       only the rows in whose name a WORD stands

Each row is the median and the least of 15 readings of the process's own time, on one core. A row's
stream has 2,000 chunks; ``orjson`` is what merely parsing its JSON with orjson costs, chunk by chunk,
and tells one machine from another.
"""

from __future__ import annotations

import base64
import itertools
import json
import random
import statistics
import sys
import time
import zlib
from collections.abc import Iterator
from typing import Any

import orjson

from sidecar.gateway.capture import Capture
from sidecar.wire.base import decode

CHUNKS, READINGS = 2000, 15
WORDS = list(
    itertools.islice(itertools.cycle([" the", " cat", " sat", " on", " a", " mat", ".\n", " And", " then"]), CHUNKS)
)
DRAW = random.Random(7)
TALK = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
SSE, NDJSON, JSON = "text/event-stream", "application/x-ndjson", "application/json"
EVENT_STREAM = "application/vnd.amazon.eventstream"


def padding() -> str:
    return "x" * DRAW.randrange(1, 17)


def sse(events: Iterator[dict[str, Any]], *, named: bool = False) -> bytes:
    head = "event: {type}\n" if named else ""
    return "".join(
        head.format_map(each) + f"data: {json.dumps(each, separators=(',', ':'))}\n\n" for each in events
    ).encode()


def chat(delta: Any = None, choice: Any = None, more: Any = None) -> bytes:
    """A chat stream; the arguments make, of a word's number and itself, what is unusual in its chunk."""
    return sse(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "m",
            "choices": [
                {
                    "index": 0,
                    "delta": delta(word) if delta else {"content": word},
                    "logprobs": None,
                    "finish_reason": None,
                }
                | (choice(at, word) if choice else {})
            ],
        }
        | (more(at) if more else {})
        for at, word in enumerate(WORDS)
    )


def frames(kind: str, payloads: Iterator[dict[str, Any]]) -> bytes:
    named = ((":event-type", kind), (":content-type", "application/json"), (":message-type", "event"))
    headers = b"".join(
        bytes([len(key)]) + key.encode() + b"\x07" + len(value).to_bytes(2, "big") + value.encode()
        for key, value in named
    )
    whole = b""
    for payload in payloads:
        body = json.dumps(payload, separators=(",", ":")).encode()
        prelude = (16 + len(headers) + len(body)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
        frame = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + body
        whole += frame + zlib.crc32(frame).to_bytes(4, "big")
    return whole


def gemini(at: int, word: str) -> dict[str, Any]:
    usage = {"promptTokenCount": 4, "candidatesTokenCount": at, "totalTokenCount": 4 + at}
    candidate = {"content": {"parts": [{"text": word}], "role": "model"}, "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g", "responseId": "r"}


def text_delta(word: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}


def response_delta(at: int, word: str, **more: Any) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "sequence_number": at, "item_id": "msg_1", "output_index": 0,
            "content_index": 0, "delta": word} | more  # fmt: skip


def usage(at: int) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": 9, "completion_tokens": at, "total_tokens": 9 + at}}


def logprobs(at: int, word: str) -> dict[str, Any]:
    return {
        "logprobs": {"content": [{"token": word, "logprob": -0.1 * at, "bytes": [*word.encode()], "top_logprobs": []}]}
    }


def call(word: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": 0, "function": {"arguments": f'{{"a": "{word}'}}]}


EACH = list(enumerate(WORDS))
CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
GEMINI, GENERATE = "/v1beta/models/g:streamGenerateContent", "/generate"
STREAMS: dict[str, tuple[str, dict[str, Any], str, bytes]] = {
    "chat": (CHAT, TALK, SSE, chat()),
    "chat, padded": (CHAT, TALK, SSE, chat(more=lambda _: {"usage": None, "obfuscation": padding()})),
    "chat, usage each": (CHAT, TALK, SSE, chat(more=usage)),
    "chat, reasoning": (CHAT, TALK, SSE, chat(lambda word: {"reasoning_content": word})),
    "chat, arguments": (CHAT, TALK, SSE, chat(call)),
    "chat, two choices": (CHAT, TALK, SSE, chat(choice=lambda at, _: {"index": at % 2})),
    "chat, logprobs": (CHAT, TALK, SSE, chat(choice=logprobs)),
    "mistral": (CHAT, TALK, SSE, chat(more=lambda _: {"p": padding()})),
    "completions": (
        "/v1/completions", {"prompt": "x", "stream": True}, SSE,
        sse({"id": "c", "object": "text_completion", "created": 1, "model": "m",
             "choices": [{"index": 0, "text": word, "logprobs": None, "finish_reason": None}]} for word in WORDS),
    ),
    "responses": (RESPONSES, {"input": "x", "stream": True}, SSE, sse((response_delta(*each) for each in EACH), named=True)),
    "responses, padded": (
        RESPONSES, {"input": "x", "stream": True}, SSE,
        sse((response_delta(*each, logprobs=[], obfuscation=padding()) for each in EACH), named=True),
    ),
    "messages": (MESSAGES, TALK, SSE, sse(map(text_delta, WORDS), named=True)),
    "gemini": (GEMINI, {"contents": []}, SSE, sse(gemini(*each) for each in EACH)),
    "gemini, array": (
        GEMINI, {"contents": []}, JSON, ("[" + "\n,\r\n".join(json.dumps(gemini(*each), indent=2) for each in EACH) + "]").encode(),
    ),
    "ollama": (
        "/api/chat", TALK, NDJSON,
        b"".join(orjson.dumps({"model": "m", "created_at": f"2025-01-01T00:00:{at % 60:02}.{at:06}Z",
                               "message": {"role": "assistant", "content": word}, "done": False}) + b"\n" for at, word in EACH),
    ),
    "tgi": (
        "/generate_stream", {"inputs": "x"}, SSE,
        sse({"index": at, "token": {"id": DRAW.randrange(32000), "text": word, "logprob": -DRAW.random(), "special": False},
             "generated_text": None, "details": None} for at, word in EACH),
    ),
    "sglang, pieces": (
        GENERATE, {"text": "x", "stream": True}, SSE,
        sse({"text": word, "meta_info": {"id": "a", "finish_reason": None, "prompt_tokens": 3, "completion_tokens": at}}
            for at, word in EACH),
    ),
    "llama.cpp": (
        "/completion", {"prompt": "x", "stream": True}, SSE,
        sse({"index": 0, "content": word, "tokens": [DRAW.randrange(32000)], "stop": False, "id_slot": -1,
             "tokens_predicted": at, "tokens_evaluated": 4} for at, word in EACH),
    ),
    "bedrock converse": (
        "/model/m/converse-stream", TALK, EVENT_STREAM,
        frames("contentBlockDelta", ({"contentBlockIndex": 0, "delta": {"text": word}, "p": padding()} for word in WORDS)),
    ),
    "bedrock invoke": (
        "/model/m/invoke-with-response-stream", TALK | {"anthropic_version": "v"}, EVENT_STREAM,
        frames("chunk", ({"bytes": base64.b64encode(orjson.dumps(text_delta(word))).decode(), "p": padding()} for word in WORDS)),
    ),
}  # fmt: skip
SAID = "Bring water to a boil, then add the leaves. " * 20
DOCUMENTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "chat": (CHAT, {"messages": [{"role": "user", "content": SAID}]},
             {"choices": [{"index": 0, "message": {"role": "assistant", "content": SAID}, "finish_reason": "stop"}]}),
    "responses": (RESPONSES, {"input": SAID},
                  {"output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": SAID}]}]}),
    "messages": (MESSAGES, {"messages": [{"role": "user", "content": SAID}]},
                 {"content": [{"type": "text", "text": SAID}], "stop_reason": "end_turn"}),
    "gemini": ("/v1beta/models/g:generateContent", {"contents": [{"role": "user", "parts": [{"text": SAID}]}]},
               {"candidates": [{"content": {"parts": [{"text": SAID}]}, "finishReason": "STOP"}]}),
    "ollama": ("/api/chat", {"messages": [{"role": "user", "content": SAID}]},
               {"message": {"role": "assistant", "content": SAID}, "done": True}),
    "tgi": (GENERATE, {"inputs": SAID}, {"generated_text": SAID}),
    "bedrock": ("/model/m/converse", {"messages": [{"role": "user", "content": [{"text": SAID}]}]},
                {"output": {"message": {"role": "assistant", "content": [{"text": SAID}]}}, "stopReason": "end_turn"}),
}  # fmt: skip


def captured(path: str, request: dict[str, Any], content_type: str, body: bytes) -> Capture:
    return Capture(
        method="POST",
        path=path,
        request_headers=(("content-type", "application/json"),),
        request_body=orjson.dumps(request),
        request_truncated=False,
        status=200,
        response_headers=(("content-type", content_type),),
        response_body=body,
        response_omitted=0,
        response_head_bytes=len(body),
        started_at_s=0.0,
        request_sent_s=0.1,
        first_byte_s=0.2,
        finished_s=1.0,
        arrivals=((0, 0.2), (500, 0.3), (1000, 0.4)),
        conversation_key="",
        key_kind="none",
        user_key=None,
        app="",
        inclusion_probability=1.0,
        ended="complete",
        protocol="",
    )


def microseconds(work: Any, times: int) -> tuple[float, float]:
    """(median, least) of one of ``times`` rounds of ``work``."""
    readings = []
    for _ in range(READINGS):
        start = time.process_time()
        work()
        readings.append((time.process_time() - start) / times * 1e6)
    return statistics.median(readings), min(readings)


def rows(words: list[str]) -> Iterator[str]:
    yield f"{'a 2 KB JSON exchange':24} {'median µs':>10} {'least':>8}"
    for name, (path, request, answer) in DOCUMENTS.items():
        given = captured(path, request, JSON, orjson.dumps(answer))
        if not words or any(word in name for word in words):
            median, least = microseconds(lambda given=given: [decode(given) for _ in range(50)], 50)
            yield f"{name:24} {median:10.1f} {least:8.1f}"
    yield f"\n{'a streamed chunk':24} {'median µs':>10} {'least':>8} {'orjson':>8}"
    for name, (path, request, content_type, body) in STREAMS.items():
        if not words or any(word in name for word in words):
            given = captured(path, request, content_type, body)
            median, least = microseconds(lambda given=given: decode(given), CHUNKS)
            chunk = body[body.index(b"{") : body.index(b"}\n") + 1] if b"}\n" in body and content_type == SSE else None
            parsing = (
                microseconds(lambda chunk=chunk: [orjson.loads(chunk) for _ in range(500)], 500)[0] if chunk else None
            )
            yield f"{name:24} {median:10.2f} {least:8.2f} {'' if parsing is None else f'{parsing:8.2f}'}"


if __name__ == "__main__":
    for row in rows(sys.argv[1:]):
        print(row, flush=True)
