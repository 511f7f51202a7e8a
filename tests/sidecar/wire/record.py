"""Records exchanges with a real llama.cpp server into the corpus, each with the Exchange that the official SDK reads.

    python tests/sidecar/wire/record.py              # starts the demo's model server and records every case
    python tests/sidecar/wire/record.py http://…     # asks a server that runs already

What is expected never comes from Kilter's decoders: what was asked stands in the cases below,
what was answered is what OpenAI's and Anthropic's own clients make of the recorded bytes.
Recording anew gives other ids and may give other words.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import sys
from pathlib import Path
from urllib.parse import urlsplit

import sdk_reading

from sidecar.demo.model import RealModel

CORPUS = Path(__file__).parent / "corpus"
PATHS = {
    "openai.chat": "/v1/chat/completions",
    "openai.completions": "/v1/completions",
    "openai.responses": "/v1/responses",
    "anthropic.messages": "/v1/messages",
}
HI = [{"role": "user", "content": "Say hello in five words."}]
STREAM = {"stream": True}
WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"type": "function", "function": {"name": "get_weather", "description": "Weather.", "parameters": WEATHER}}
SCHEMA = {"type": "object", "properties": {"capital": {"type": "string"}}, "required": ["capital"]}
LONG = "word " * 5000
UNICODE = 'Répète : « Grüße, Привет, 你好, 🌍 » \n\t"ok" \\ end'
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "My name is Ada."},
    {"role": "assistant", "content": "Hello, Ada."},
    {"role": "user", "content": "Which name did I say?"},
    {"role": "user", "content": "Answer in one word."},
]


def chat(**body):
    return {"model": "smollm2", "messages": HI, "max_tokens": 16, "seed": 7} | body


def completion(**body):
    return {"model": "smollm2", "prompt": "The capital of France is", "max_tokens": 12, "seed": 7} | body


def response(**body):
    return {"model": "smollm2", "input": "Say hello in five words.", "max_output_tokens": 16} | body


def message(**body):
    return {"model": "smollm2", "messages": HI, "max_tokens": 16} | body


JSON = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
CASES = {
    "openai.chat": {
        "plain": chat(user="user-1"),
        "streaming": chat(**STREAM),
        "streaming_usage": chat(**STREAM, stream_options={"include_usage": True}),
        "choices": chat(n=2, temperature=1.2),
        "choices_streaming": chat(n=2, temperature=1.2, **STREAM),
        "choices_streaming_usage": chat(n=3, **STREAM, stream_options={"include_usage": True}),
        "logprobs": chat(logprobs=True, top_logprobs=2),
        "logprobs_streaming": chat(logprobs=True, top_logprobs=2, **STREAM),
        "json_schema": chat(response_format=JSON, max_tokens=40),
        "json_schema_streaming": chat(response_format=JSON, max_tokens=40, **STREAM),
        "turns": chat(messages=TALK),
        "prefill": chat(messages=[*HI, {"role": "assistant", "content": "Hello"}]),
        "tools": chat(tools=[FUNCTION], tool_choice="auto", max_tokens=24),
        "tools_streaming": chat(tools=[FUNCTION], max_tokens=24, **STREAM),
        "unicode": chat(messages=[{"role": "user", "content": UNICODE}], max_tokens=40, **STREAM),
        "stop": chat(stop=["l"], **STREAM),
        "long": chat(messages=[{"role": "user", "content": "Tell a long story."}], max_tokens=120, **STREAM),
        "timings": chat(timings_per_token=True, **STREAM),
        "broken_json": b'{"model": "smollm2", "messages": [',
        "without_messages": {"model": "smollm2"},
        "too_long": chat(messages=[{"role": "user", "content": LONG}]),
        "too_long_streaming": chat(messages=[{"role": "user", "content": LONG}], **STREAM),
        "aborted": chat(messages=[{"role": "user", "content": "Tell a long story."}], max_tokens=120, **STREAM),
    },
    "openai.completions": {
        "plain": completion(user="user-1"),
        "streaming": completion(**STREAM),
        "choices": completion(n=2, temperature=1.2),
        "prompts": completion(prompt=["One, two,", "Red, green,"]),
        "prompts_streaming": completion(prompt=["One, two,", "Red, green,"], **STREAM),
        "logprobs": completion(logprobs=2, **STREAM),
        "echo": completion(echo=True),
        "without_a_prompt": {"model": "smollm2", "stream": True},
        "aborted": completion(max_tokens=200, **STREAM),
    },
    "openai.responses": {
        "plain": response(user="user-1"),
        "streaming": response(**STREAM),
        "items": response(input=[each for each in TALK if each["role"] != "system"], instructions="Be brief."),
        "items_streaming": response(input=TALK[1:], **STREAM),
        "tools": response(tools=[{"type": "function", "name": "get_weather", "parameters": WEATHER}], **STREAM),
        "unicode": response(input=UNICODE, max_output_tokens=40, **STREAM),
        "without_input": {"model": "smollm2"},
        "too_long": response(input=LONG, **STREAM),
        "aborted": response(input="Tell a long story.", max_output_tokens=120, **STREAM),
    },
    "anthropic.messages": {
        "plain": message(metadata={"user_id": "user-1"}),
        "streaming": message(**STREAM),
        "system": message(system="Be brief.", messages=TALK[1:]),
        "tools": message(tools=[{"name": "get_weather", "input_schema": WEATHER}], **STREAM),
        "stop_sequence": message(stop_sequences=["l"], **STREAM),
        "unicode": message(messages=[{"role": "user", "content": UNICODE}], max_tokens=40, **STREAM),
        "without_messages": {"model": "smollm2", "max_tokens": 9},
        "too_long": message(messages=[{"role": "user", "content": LONG}], **STREAM),
        "aborted": message(messages=[{"role": "user", "content": "Tell a long story."}], max_tokens=120, **STREAM),
    },
}
ABORTED_AFTER_EVENTS = 9


def exchanged(url, path, body, events=None):
    """(status, content type, the answer's body); the connection is closed behind so many ``events``."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=300)
    connection.request("POST", path, body, {"content-type": "application/json"})
    answer = connection.getresponse()
    said = b""
    while events is None or said.count(b"\n\n") < events:
        piece = answer.read1(1 << 16) if events is None else answer.read1(1)
        if not piece:
            break
        said += piece
    connection.close()
    return answer.status, answer.headers["content-type"], said


def record(url, protocol, name, sent):
    body = sent if isinstance(sent, bytes) else json.dumps(sent, ensure_ascii=False).encode()
    aborted = name == "aborted"
    status, content_type, said = exchanged(url, PATHS[protocol], body, ABORTED_AFTER_EVENTS if aborted else None)
    kind = "sse" if content_type.startswith("text/event-stream") else "json"
    expected = sdk_reading.expected(protocol, body, status, kind, said, "client_aborted" if aborted else "complete")
    stem = CORPUS / protocol / f"recorded_{name}"
    for old in stem.parent.glob(f"{stem.name}.*"):
        old.unlink()
    stem.with_name(f"{stem.name}.request.json").write_bytes(body)
    stem.with_name(f"{stem.name}.response.{kind}").write_bytes(said)
    stem.with_name(f"{stem.name}.exchange.json").write_text(
        json.dumps(expected, indent=1, ensure_ascii=False) + "\n", "utf-8"
    )


def record_all(url):
    for protocol, cases in CASES.items():
        for name, sent in cases.items():
            record(url, protocol, name, sent)
            print(protocol, name)


async def main():
    async with RealModel() as model:
        await asyncio.to_thread(record_all, model.url)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        record_all(sys.argv[1])
    else:
        asyncio.run(main())
