"""What an answer is, its Content-Type says; what is missing is known to be missing."""

from __future__ import annotations

import gzip
import json

import pytest

from sidecar.gateway.capture import MAX_ARRIVALS
from sidecar.wire.base import decode

CHUNK = '{"id":"i","model":"m","choices":[{"index":0,"delta":{"content":"%s"},"finish_reason":%s}]}'
STREAM = "".join(f"data: {CHUNK % piece}\n\n" for piece in (("Hel", "null"), ("lo.", "null"), ("", '"stop"'))).encode()
DOCUMENT = json.dumps(
    {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}]}
).encode()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("text/event-stream", STREAM),
        ("Text/Event-Stream; charset=utf-8", STREAM),
        ("application/json", DOCUMENT),
        ("text/event-stream", DOCUMENT),
        ("text/plain", DOCUMENT),
        ("", STREAM),
        ("", DOCUMENT),
    ],
)
@pytest.mark.parametrize("asked", [b'{"stream":true}', b'{"stream":false}', b"{}"])
def test_the_answer_is_read_for_what_it_is_whatever_was_asked(content_type, body, asked, capture):
    exchange = decode(capture("openai.chat", asked, body, content_type))
    assert exchange.response_text == "Hello."
    assert exchange.finish_reasons == ("stop",)
    assert exchange.stream is (b"true" in asked)
    assert not exchange.truncated


def test_a_request_that_cannot_be_read_leaves_its_answer_readable(capture):
    exchange = decode(capture("openai.chat", b"\x00 no json", STREAM, "text/event-stream"))
    assert exchange.response_text == "Hello."
    assert exchange.stream
    assert (exchange.turns, exchange.history_complete) == (None, "unknown")


def test_an_encoded_request_is_read(capture):
    body = gzip.compress(b'{"model":"m","messages":[{"role":"user","content":"Hi"}]}')
    headers = (("content-type", "application/json"), ("content-encoding", "gzip"))
    exchange = decode(capture("openai.chat", body, STREAM, "text/event-stream", request_headers=headers))
    assert (exchange.request_model, exchange.turns) == ("m", 1)


def test_the_time_to_the_first_chunk_survives_an_encoding(capture):
    compressed, arrivals = b"", []
    stream = gzip.zlib.compressobj(wbits=31)
    for number, event in enumerate(STREAM.split(b"\n\n")):
        arrivals.append((len(compressed), 0.5 + 0.125 * number))
        # Servers flush each event, or nothing would stream.
        compressed += stream.compress(event + b"\n\n") + stream.flush(gzip.zlib.Z_SYNC_FLUSH)
    compressed += stream.flush()
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    given = capture("openai.chat", b"{}", compressed, response_headers=headers, arrivals=tuple(arrivals))
    assert decode(given).time_to_first_chunk_s == 0.25
    assert decode(given).response_text == "Hello."


def test_behind_a_gap_an_encoded_answer_is_truncated_and_its_head_is_read(capture):
    encoded = gzip.compress(STREAM, compresslevel=0)
    headers = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
    head = encoded[:150] + encoded[-20:]
    cut = {"response_omitted": len(encoded) - 170, "response_head_bytes": 150, "response_headers": headers}
    exchange = decode(capture("openai.chat", b"{}", head, **cut))
    assert exchange.response_text == "Hel"
    assert exchange.truncated


def test_an_answer_in_an_encoding_that_nobody_can_read_is_truncated(capture):
    headers = (("content-type", "application/json"), ("content-encoding", "rot13"))
    exchange = decode(capture("openai.chat", b"{}", DOCUMENT, response_headers=headers))
    assert exchange.truncated
    assert exchange.output_messages == ()


def test_a_gap_within_one_long_text_leaves_both_its_ends(capture):
    start, end = DOCUMENT.index(b"llo"), DOCUMENT.index(b"o.")
    cut = {"response_omitted": end - start, "response_head_bytes": start}
    exchange = decode(capture("openai.chat", b"{}", DOCUMENT[:start] + DOCUMENT[end:], **cut))
    assert exchange.response_text == "Heo."
    assert exchange.finish_reasons == ("stop",)
    assert exchange.truncated


@pytest.mark.parametrize("status", [400, 429, 500, 503])
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[1]", b'{"error":'])
def test_an_error_without_a_readable_body_is_named_by_its_status(status, body, capture):
    exchange = decode(capture("openai.chat", b"{}", body, "text/html", status=status))
    assert exchange.error_type == str(status)
    assert exchange.signals == ()
    assert not exchange.truncated


def test_an_empty_answer_of_status_200_is_truncated(capture):
    for content_type in ("application/json", "text/event-stream"):
        assert decode(capture("openai.chat", b"{}", b"", content_type)).truncated


def test_a_stream_that_said_done_is_whole_and_one_that_died_is_not(capture):
    done = STREAM + b"data: [DONE]\n\n"
    assert not decode(capture("openai.chat", b"{}", done, "text/event-stream")).truncated
    assert decode(capture("openai.chat", b"{}", done, "text/event-stream", ended="upstream_cut")).truncated


def test_one_choice_that_finished_does_not_hide_another_that_did_not(capture):
    other = (CHUNK % ("Oh", "null")).replace('"index":0', '"index":1')
    body = STREAM + f"data: {other}\n\n".encode()
    assert decode(capture("openai.chat", b"{}", body, "text/event-stream", ended="client_aborted")).truncated


def test_an_answer_before_the_request_was_all_sent_took_no_time(capture):
    exchange = decode(capture("openai.chat", b"{}", DOCUMENT, request_sent_s=0.75, first_byte_s=0.5))
    assert exchange.time_to_first_chunk_s == 0.0


@pytest.mark.parametrize("missing", ["request_sent_s", "first_byte_s"])
def test_a_time_that_was_not_taken_is_none(missing, capture):
    assert decode(capture("openai.chat", b"{}", DOCUMENT, **{missing: None})).time_to_first_chunk_s is None


def test_past_the_end_of_the_table_of_arrivals_no_time_is_made_up(capture):
    quiet = b": still thinking\n\n"
    body = quiet * 70 + STREAM
    arrivals = tuple((len(quiet) * number, 0.5 + number) for number in range(MAX_ARRIVALS))
    exchange = decode(capture("openai.chat", b"{}", body, "text/event-stream", arrivals=arrivals))
    assert exchange.response_text == "Hello."
    assert exchange.time_to_first_chunk_s is None


def test_no_content_stands_in_what_an_exchange_says_about_errors(capture):
    body = json.dumps({"error": {"message": "secret words", "type": "t", "code": None}}).encode()
    exchange = decode(
        capture("openai.chat", b'{"messages":[{"role":"user","content":"secret words"}]}', body, status=400)
    )
    assert "secret" not in exchange.error_type


def test_an_answer_of_more_events_than_are_read_is_truncated(capture):
    more = f"data: {CHUNK % ('lost', 'null')}\n\n".encode()
    flood = STREAM + b":\n\n" * 20_000 + more
    exchange = decode(capture("openai.chat", b"{}", flood, "text/event-stream"))
    assert exchange.response_text == "Hello."
    assert exchange.truncated


def test_a_stream_of_which_one_choice_has_no_finish_is_truncated(capture):
    other = CHUNK.replace('"index":0', '"index":1') % ("There", "null")
    exchange = decode(capture("openai.chat", b"{}", f"data: {other}\n\n".encode() + STREAM, "text/event-stream"))
    assert exchange.response_text == "Hello.There"
    assert exchange.truncated
