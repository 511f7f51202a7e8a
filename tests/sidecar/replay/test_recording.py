"""What stands in a log is read as the relay would have copied it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.replay.recording import NotARecordError, recorded
from sidecar.wire.base import decode

KEYED = KeyedHash(b"k")
MESSAGES = [{"role": "user", "content": "Wie geht das?"}]
ANSWER = {
    "id": "r",
    "object": "chat.completion",
    "created": 1_700_000_007,
    "model": "m-1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "So."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}


def read(record: Any) -> Any:
    exchange = decode(recorded(record, KEYED))
    assert exchange is not None
    return exchange


def test_bodies_without_their_http_are_read_as_the_format_that_they_are_in() -> None:
    chat = read({"timestamp": 5, "request": {"model": "m", "messages": MESSAGES, "stream": True}, "response": ANSWER})
    assert (chat.response_text, chat.request_model, chat.response_model, chat.output_tokens) == ("So.", "m", "m-1", 2)
    anthropic = read(
        {
            "timestamp": 5,
            "request": {"model": "m", "max_tokens": 9, "messages": MESSAGES},
            "response": {
                "type": "message",
                "role": "assistant",
                "model": "m-2",
                "content": [{"type": "text", "text": "Ja."}],
                "stop_reason": "end_turn",
            },
        }
    )
    assert (anthropic.provider_name, anthropic.response_text) == ("anthropic", "Ja.")
    responses = read(
        {
            "timestamp": 5,
            "request": {"model": "m", "input": "hi"},
            "response": {
                "object": "response",
                "status": "completed",
                "output": [
                    {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Yo."}]}
                ],
            },
        }
    )
    assert responses.response_text == "Yo."


def test_an_answer_that_is_an_error_is_one() -> None:
    failed = read({"timestamp": 5, "request": {"messages": MESSAGES}, "response": {"error": {"type": "overloaded"}}})
    assert failed.error_type is not None
    limited = read(
        {"timestamp": 5, "status": 429, "request": {"messages": MESSAGES}, "response": {"error": {"type": "limit"}}}
    )
    assert (limited.status, limited.error_type is not None) == (429, True)


def test_a_transcript_ends_in_the_answer() -> None:
    exchange = read({"time": 5, "model": "m", "messages": [*MESSAGES, {"role": "assistant", "content": "So."}]})
    assert (exchange.response_text, exchange.turns, exchange.request_model) == ("So.", 1, "m")
    with pytest.raises(NotARecordError, match="need the answer"):
        recorded({"time": 5, "messages": MESSAGES}, KEYED)


def test_a_capture_of_the_wire_is_read_as_it_was() -> None:
    body = base64.b64encode(json.dumps({"model": "m", "messages": MESSAGES}).encode()).decode()
    answer = base64.b64encode(json.dumps(ANSWER).encode()).decode()
    exchange = read(
        {
            "started_at_s": 5.5,
            "duration_s": 2,
            "request": {"method": "POST", "path": "/v1/chat/completions", "headers": [], "body_b64": body},
            "response": {"status": 200, "headers": [["Content-Type", "application/json"]], "body_b64": answer},
        }
    )
    assert (exchange.response_text, exchange.started_at_s, exchange.duration_s) == ("So.", 5.5, 2.0)


@pytest.mark.parametrize(
    ("said", "began"),
    [
        ({"timestamp": 1_700_000_000}, 1_700_000_000.0),
        ({"timestamp": 1_700_000_000_250}, 1_700_000_000.25),
        ({"timestamp": "1700000000.5"}, 1_700_000_000.5),
        ({"created_at": "2023-11-14T22:13:20Z"}, 1_700_000_000.0),
        ({"time": "2023-11-14T23:13:20+01:00"}, 1_700_000_000.0),
        ({"time": "2023-11-14 22:13:20"}, 1_700_000_000.0),
        ({}, 1_700_000_007.0),
    ],
)
def test_the_time_is_read_in_the_ways_in_which_logs_write_it(said: dict[str, Any], began: float) -> None:
    assert recorded({**said, "request": {"messages": MESSAGES}, "response": ANSWER}, KEYED).started_at_s == began


@pytest.mark.parametrize("said", ["yesterday", "", None, True, float("nan"), 1e300, -5, [], "1" * 400])
def test_a_record_without_a_time_says_what_is_needed(said: Any) -> None:
    answer = {key: value for key, value in ANSWER.items() if key != "created"}
    with pytest.raises(NotARecordError, match="need Unix seconds or ISO 8601"):
        recorded({"timestamp": said, "request": {"messages": MESSAGES}, "response": answer}, KEYED)


def test_user_and_conversation_become_keyed_hashes() -> None:
    one, same, other = (
        recorded({"user": user, "conversation": "c", "request": {"messages": MESSAGES}, "response": ANSWER}, KEYED)
        for user in ("ada", "ada", "bob")
    )
    assert one.user_key == same.user_key != other.user_key
    assert (one.key_kind, one.conversation_key) == ("header", other.conversation_key)
    assert "ada" not in repr(one)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "request",
                        "response",
                        "messages",
                        "path",
                        "method",
                        "headers",
                        "status",
                        "error",
                        "role",
                        "created",
                        "body_b64",
                        "user",
                    ]
                ),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
@settings(max_examples=300, deadline=None)
def test_any_other_object_is_refused_with_words_and_nothing_else(record: Any) -> None:
    said = ""
    try:
        decode(recorded(record, KEYED))
    except NotARecordError as error:
        said = str(error)
    assert not said or "need" in said
