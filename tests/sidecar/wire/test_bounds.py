"""No input of 1 MiB costs more than 50 ms and 16 MiB, whatever it is made of.

Each shape is one that was, or could be, expensive: many small values, deep nesting, cut or
broken text, streams of tiny events, bombs. Time is the processor's, best of three.
"""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib

import brotli
import pytest
from backports import zstd

from sidecar.wire.base import decode, formats

MIB = 1 << 20
SECONDS, PEAK_BYTES = 0.050, 16 * MIB
ASKED = (
    b'{"model":"m","messages":[{"role":"user","content":"x"}],"inputs":"x","prompt":"x","input":"x","contents":[],'
    b'"anthropic_version":"x"}'
)
SGLANG = b'{"text":"x"}'


def filled(unit, before=b"", after=b""):
    return before + unit * ((MIB - len(before) - len(after)) // len(unit)) + after


def frame(payload=b"{}"):
    headers = b"\x0b:event-type\x07\x00\x01x"
    prelude = (16 + len(headers) + len(payload)).to_bytes(4, "big") + len(headers).to_bytes(4, "big")
    whole = prelude + zlib.crc32(prelude).to_bytes(4, "big") + headers + payload
    return whole + zlib.crc32(whole).to_bytes(4, "big")


DOCUMENTS = {
    "lists": filled(b"[],", b'{"messages":[', b"0]}"),
    "objects": filled(b'{"a":1},', b'{"messages":[', b"0]}"),
    "messages": filled(b'{"role":"user"},', b'{"messages":[', b"0]}"),
    "items": filled(b'{"type":"function_call_output"},', b'{"input":[', b"0]}"),
    "parts": filled(b'{"text":"a"},', b'{"contents":[{"parts":[', b"0]}]}"),
    "tools": filled(b'{"name":"a"},', b'{"tools":[', b"0]}"),
    "texts": filled(b'"ab",', b'{"messages":[', b"0]}"),
    "numbers": filled(b"1,", b'{"messages":[', b"0]}"),
    "keys": b"{" + b",".join(b'"%x":1' % i for i in range(MIB // 10)) + b"}",
    "deep lists": b"[" * MIB,
    "deep objects": filled(b'{"a":'),
    "quotes": b'"' * MIB,
    "backslashes": filled(b"\\", b'{"a":"'),
    "broken objects": filled(b'{"a":1},', b'{"messages":[', b"NaN]}"),
    "broken texts": filled(b'"ab",', b'{"messages":[', b"NaN]}"),
    "half surrogates": filled(rb"\ud800", b'{"messages":[{"role":"user","content":"', b'"}]}'),
    "broken characters": filled(b"\xff", b'{"messages":[{"role":"user","content":"', b'"}]}'),
    "cut lists": filled(b"[],", b'{"messages":['),
    "cut texts": filled(b'"a",', b'{"messages":['),
    "many usages": filled(b'"usage":{},', b'{"messages":['),
    "one digit": b"1" * MIB,
    "spaces": b" " * MIB,
}
STREAMS = {
    "text/event-stream": {
        "line feeds": b"\n" * MIB,
        "carriage returns": b"\r" * MIB,
        "empty": filled(b"data:\n\n"),
        "comments": filled(b":\n"),
        "objects": filled(b"data:{}\n\n"),
        "done": filled(b"data: [DONE]\n\n"),
        "broken": filled(b"data:{\n\n"),
        "one long": filled(b"x", b"data:"),
        "texts": filled(b'data: {"choices":[{"delta":{"content":"a"}}]}\n\n'),
        "choices": b"".join(b'data: {"choices":[{"index":%d}]}\n\n' % i for i in range(MIB // 40)),
        "candidates": b"".join(b'data: {"candidates":[{"index":%d}]}\n\n' % i for i in range(MIB // 40)),
        "samples": b"".join(b'data: {"text":"a","index":%d}\n\n' % i for i in range(MIB // 36)),
        "kinds": b"".join(
            b'data: {"choices":[{"delta":{"content":"a","x%x":1}}],"usage":{%b}}\n\n'
            % (i, b",".join(b'"a%d":%b' % (i >> j & 1, (b"1", b'"b"', b"[1]")[(i >> j) % 3]) for j in range(9)))
            for i in range(MIB // 150)
        ),
        "growing": b"".join(b'data: {"text":"%b"}\n\n' % (b"a" * i) for i in range(1430)),
    },
    "application/x-ndjson": {
        "line feeds": b"\n" * MIB,
        "objects": filled(b"{}\n"),
        "broken": filled(b"[\n"),
    },
    "application/json": {
        "objects": filled(b"{},", b"["),
        "nested": filled(b"[{}],", b"[{"),
        "texts": filled(b'{"content":"a"},', b"["),
        "escapes": filled(b"\\\\", b'[{"a":"'),
        "indented": filled(b'{\n "a": 1\n},', b"["),
        "pairs": filled(b'{\n "a": 1\n}\n,\r\n{\n "a": 1\n},', b"["),
    },
    "application/vnd.amazon.eventstream": {
        "zeros": bytes(MIB),
        "frames": filled(frame()),
        "lengths": b"".join(frame(b'"%b"' % (b"a" * (i % 1200))) for i in range(MIB // 650)),
        "needles": filled(b"\x0b:event-type\x07"),
    },
}
ENCODERS = {"gzip": gzip.compress, "br": lambda body: brotli.compress(body, quality=1), "zstd": zstd.compress}
BOMBS = {"spaces": b" ", "lists": b"[],", "events": b"data:{}\n\n"}
names = pytest.mark.parametrize("name", [wire_format.name for wire_format in formats()])


def arrivals(body):
    return tuple((len(body) // 64 * i, float(i)) for i in range(64))


def costs(given):
    best = float("inf")
    for _ in range(3):
        start = time.process_time()
        decode(given)
        best = min(best, time.process_time() - start)
    tracemalloc.start()
    try:
        decode(given)
        return best, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def too_dear(cases):
    measured = {case: costs(given) for case, given in cases.items()}
    return {case: cost for case, cost in measured.items() if cost[0] > SECONDS or cost[1] > PEAK_BYTES}


@pytest.mark.slow
@names
def test_a_document_of_1_mib_is_bounded_in_time_and_memory(name, capture):
    cases = {}
    for shape, body in DOCUMENTS.items():
        cases["request", shape] = capture(name, body, b"{}")
        cases["cut request", shape] = capture(name, body, b"{}", request_truncated=True)
        cases["answer", shape] = capture(name, SGLANG if name == "sglang" else ASKED, body)
        cases["cut answer", shape] = capture(name, ASKED, body, response_omitted=9, response_head_bytes=MIB // 2)
    assert too_dear(cases) == {}


@pytest.mark.slow
@names
def test_a_stream_of_1_mib_is_bounded_in_time_and_memory(name, capture):
    asked = SGLANG if name == "sglang" else ASKED
    cases = {}
    for content_type, bodies in STREAMS.items():
        for shape, body in bodies.items():
            cases[content_type, shape] = capture(name, asked, body, content_type, arrivals=arrivals(body))
            gap = {"response_omitted": 9, "response_head_bytes": 10}
            cases[content_type, shape, "gap"] = capture(name, asked, body, content_type, **gap)
    assert too_dear(cases) == {}


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ENCODERS)
def test_a_bomb_is_bounded_in_time_and_memory(encoding, capture):
    cases = {}
    for shape, unit in BOMBS.items():
        body = ENCODERS[encoding](unit * (64 * MIB // len(unit)))
        for content_type in ("application/json", "text/event-stream"):
            headers = (("content-type", content_type), ("content-encoding", encoding))
            cases[shape, content_type] = capture(
                "openai.chat", ASKED, body, response_headers=headers, arrivals=arrivals(body)
            )
    assert too_dear(cases) == {}


@pytest.mark.slow
def test_members_without_content_are_bounded_in_time_and_memory(capture):
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    assert (
        too_dear({"gzip": capture("openai.chat", ASKED, gzip.compress(b"") * 50_000, response_headers=headers)}) == {}
    )
