from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway import scanner as scanner_module
from sidecar.gateway.scanner import MESSAGE_BYTES, SCAN_BYTES, Scan, Scanner, _walked, scan

bounded = settings(max_examples=200, deadline=None)

SYSTEM = {"role": "system", "content": 'You are "it". {"model": "no", "user": "no"}'}
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "f",
            "parameters": {"properties": {"model": {"type": "string"}, "user": {"enum": ["no"]}}},
        },
    }
]


def scanned(body: Any) -> Scan:
    return scan(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"messages": [SYSTEM, {"role": "user", "content": "hi"}, {"role": "user", "content": "no"}]}, b"hi"),
        ({"messages": [{"content": "hi", "role": "user"}]}, b"hi"),
        ({"messages": [{"content": "no", "role": "assistant"}, {"content": "hi", "role": "user"}]}, b"hi"),
        ({"messages": [{"role": "developer", "content": "no"}, {"role": "user", "content": "hi"}]}, b"hi"),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "no"}]},
                    {"role": "user", "content": [{"type": "image", "source": {"text": "no"}}, {"text": "h"}, {"text": "i"}]},
                ]
            },
            b"hi",
        ),
        ({"input": "hi"}, b"hi"),
        ({"input": [{"type": "function_call_output", "output": "no"}, {"role": "user", "content": "hi"}]}, b"hi"),
        ({"input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}]}, b"hi"),
        ({"contents": [{"parts": [{"text": "hi"}]}]}, b"hi"),
        ({"contents": [{"role": "model", "parts": [{"text": "no"}]}, {"parts": [{"text": "hi"}], "role": "user"}]}, b"hi"),
        ({"contents": [{"role": "user", "parts": [{"functionResponse": {"text": "no"}}]}]}, None),
        ({"prompt": "hi"}, b"hi"),
        ({"prompt": ["hi", "no"]}, b"hi"),
        ({"prompt": [1, 2, 3]}, None),
        ({"prompt": {"id": "no"}, "input": "hi"}, b"hi"),
        ({"inputs": "hi"}, b"hi"),
        ({"messages": [{"role": "user", "content": 'a "quoted" \\ \n é 你 end\\'}]}, b'a \\"quoted\\" \\\\ \\n \\u00e9 \\u4f60 end\\\\'),
        ({"messages": [{"role": "user", "content": ""}, {"role": "user", "content": "hi"}]}, b"hi"),
        ({"messages": [{"content": "no"}, {"role": "user", "content": "hi"}]}, b"hi"),
        ({"messages": [{"role": "user", "content": "hi"}], "prompt": "no"}, b"hi"),
        ({"messages": []}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_the_first_human_message_is_found_as_it_was_sent(body: dict[str, Any], text: bytes | None) -> None:
    assert scanned(body).first_message == text
    everything_else = {"model": "m", "tools": TOOLS, "user": "u", "stream": True, "temperature": 0.1, "seed": None}
    expected = Scan(model=b"m", user=b"u", first_message=text)
    assert scanned({**everything_else, **body}) == expected
    assert scanned({**body, **everything_else}) == expected


@pytest.mark.parametrize(
    ("body", "user"),
    [
        ({"safety_identifier": "s", "user": "u", "metadata": {"user_id": "m"}}, b"s"),
        ({"metadata": {"user_id": "m"}, "user": "u"}, b"u"),
        ({"metadata": {"deep": {"user_id": "no"}, "user_id": "m"}}, b"m"),
        ({"metadata": {"deep": {"user_id": "no"}}}, None),
        ({"user": ""}, None),
        ({"user": 7}, None),
        ({"user": None, "metadata": {"user_id": "m"}}, b"m"),
        ({"prompt_cache_key": "no"}, None),
    ],
)
def test_the_most_specific_user_is_taken(body: dict[str, Any], user: bytes | None) -> None:
    assert scanned(body).user == user


@pytest.mark.parametrize(
    ("body", "conversation", "previous"),
    [
        ({"conversation": "c", "session_id": "s"}, b"c", None),
        ({"session_id": "s", "conversation": {"id": "c"}}, b"c", None),
        ({"session_id": "s", "conversation": {"other": {"id": "no"}}}, b"s", None),
        ({"previous_response_id": "r"}, None, b"r"),
        ({"metadata": {"session_id": "no", "previous_response_id": "no"}}, None, None),
    ],
)
def test_conversation_ids_are_found_where_they_count(
    body: dict[str, Any], conversation: bytes | None, previous: bytes | None
) -> None:
    found = scanned(body)
    assert (found.conversation, found.previous_response) == (conversation, previous)
    assert found.found == (conversation is not None or previous is not None)


def test_a_model_inside_messages_tools_or_strings_is_not_the_requests() -> None:
    message = {"role": "user", "content": [{"model": "no", "type": "text", "text": '","model":"no","x":"'}]}
    assert scanned({"messages": [message], "tools": TOOLS, "a": [[{"model": "no"}]]}).model is None
    assert scanned({"messages": [message], "tools": TOOLS, "model": "yes"}).model == b"yes"


def test_of_a_key_sent_twice_the_last_counts() -> None:
    assert scan(b'{"model":"a","model":"b"}').model == b"b"


def test_white_space_between_tokens_changes_nothing() -> None:
    body = {"model": "m", "messages": [SYSTEM, {"role": "user", "content": [{"text": "hi"}]}], "user": "u"}
    assert scan(json.dumps(body, indent="\t \r").encode()) == scanned(body) == Scan(b"m", b"u", None, None, b"hi")


def test_what_is_past_the_limit_is_not_looked_at() -> None:
    body = json.dumps({"x": "y" * SCAN_BYTES, "model": "m"}).encode()
    assert scan(body) == Scan()
    assert scan(body[SCAN_BYTES - 100 :].replace(b"y", b"")) == Scan()


def test_no_more_than_some_hundred_values_are_looked_at_one_by_one() -> None:
    question = {"role": "user", "content": "hi"}
    assert scanned({"messages": [*[{}] * 400, question]}).first_message == b"hi"
    assert scanned({"messages": [*[{}] * 600, question]}) == Scan()


def test_a_message_that_the_limit_cuts_reads_the_same_in_every_turn() -> None:
    question = {"role": "user", "content": "word " * 30000}
    turns = [
        [SYSTEM, question],
        [SYSTEM, question, {"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}],
    ]
    first, second = (scanned({"model": "m", "temperature": n, "messages": turns[n]}) for n in (0, 1))
    assert first == second
    assert first.first_message == question["content"].encode()[:MESSAGE_BYTES]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=20,
)
names = st.sampled_from(
    ["model", "user", "metadata", "messages", "tools", "conversation", "x", "role", "content", "id"]
)
bodies = st.dictionaries(names, json_values | st.dictionaries(names, json_values, max_size=3), max_size=8)


def raw(value: Any) -> bytes | None:
    """What a JSON string holds between its quotes; None for what is no string, or an empty one."""
    return json.dumps(value).encode()[1:-1] or None if isinstance(value, str) else None


@bounded
@given(bodies)
def test_model_and_user_agree_with_a_json_parser_on_every_object(body: dict[str, Any]) -> None:
    found = scanned(body)
    metadata = body.get("metadata")
    user_id = metadata.get("user_id") if isinstance(metadata, dict) else metadata
    assert found.model == raw(body.get("model"))
    assert found.user == (raw(body.get("user")) or raw(user_id))


@bounded
@given(st.binary(max_size=300))
def test_any_bytes_are_scanned_without_an_exception(data: bytes) -> None:
    for body in (data, b'{"messages":[' + data, b'{"model":"' + data, b'{"user":' + data):
        assert isinstance(scan(body), Scan)


@bounded
@given(st.lists(st.sampled_from(["{", "}", "[", "]", '"', "\\", ",", ":", " ", '"messages"', '"role":"user"', '"text"', "1"]), max_size=60))  # fmt: skip
def test_any_order_of_json_tokens_is_scanned_without_an_exception(tokens: list[str]) -> None:
    assert isinstance(scan("".join(tokens).encode()), Scan)


@bounded
@given(st.integers(0, 400))
def test_a_body_cut_anywhere_yields_nothing_that_is_not_in_it(cut: int) -> None:
    body = {"model": "mm", "messages": [SYSTEM, {"role": "user", "content": "hello"}], "user": "uu", "tools": TOOLS}
    whole = json.dumps(body).encode()
    found = scan(whole[:cut])
    assert b"mm".startswith(found.model or b"")
    assert b"uu".startswith(found.user or b"")
    assert b"hello".startswith(found.first_message or b"")


@pytest.mark.parametrize(
    "unit",
    [
        b"[", b"{", b'{"a":', b'["', b'"', b"\\", b'\\"', b'{"a":[', b"{},", b"[],", b'"a":1,', b'"a",', b"1,", b" ", b",",
        b'{"role":"user","content":[', b'{"role":"user","content":[{"text":""}]},', b'{"metadata":', b'"\\\\",',
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", [b"", b'{"messages":[', b'{"x":[', b'{"x":"', b"{"])
def test_the_most_that_is_looked_at_costs_little_whatever_it_repeats(start: bytes, unit: bytes) -> None:
    body = start + unit * (SCAN_BYTES // len(unit))
    times = []
    for _ in range(5):
        began = time.process_time()
        scan(body)
        times.append(time.process_time() - began)
    # It takes a few milliseconds at most; anything quadratic takes seconds.
    assert min(times) < 0.1


KEYS = st.sampled_from(["model", "messages", "user", "metadata", "stream", "tools", "input", "session_id", "temperature", "prompt"])  # fmt: skip
TEXT = st.text('ab"\\ \n{}[]:,é', max_size=12)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant", "developer"]), "content": TEXT}),
    max_size=4,
)
VALUES = st.one_of(TEXT, st.integers(), st.none(), st.booleans(), MESSAGES, st.dictionaries(KEYS, TEXT, max_size=3))


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(KEYS, VALUES), max_size=6), MESSAGES, st.booleans(), st.integers(0, 6), st.data())
def test_the_short_way_and_the_walk_agree(
    members: list[tuple[str, Any]], messages: Any, ascii_only: bool, at: int, data: st.DataObject
) -> None:
    members = [*members[:at], ("messages", messages), *members[at:]]
    body = "{" + ", ".join(f"{json.dumps(k)}: {json.dumps(v, ensure_ascii=ascii_only)}" for k, v in members) + "}"
    raw = body.encode()
    raw = raw[: data.draw(st.sampled_from([len(raw), len(raw) // 2, max(0, len(raw) - 3)]))]
    scanner = Scanner()
    for seen in (raw, raw[: data.draw(st.integers(0, len(raw)))] + data.draw(st.binary(max_size=20)), raw):
        short = scanner.alike(seen)
        assert short is None or short == _walked(seen)
        assert short == Scanner().alike(seen), "what came before changes nothing"


def test_a_beginning_that_was_seen_before_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scanner = Scanner()
    first = json.dumps({"model": "m", "messages": [SYSTEM, {"role": "user", "content": "one"}]}).encode()
    assert scanner.scan(first) == Scan(model=b"m", first_message=b"one")
    monkeypatch.setattr(scanner_module, "_ALIKE", None)
    assert scanner.scan(first.replace(b"one", b"another")) == Scan(model=b"m", first_message=b"another")


def test_usual_bodies_go_the_short_way() -> None:
    user = {"role": "user", "content": 'two lines\nand a "quote"'}
    for body in (
        {"model": "m", "messages": [user]},
        {"model": "m", "messages": [SYSTEM, user, {"role": "assistant", "content": "a"}, user], "stream": True},
        {"tools": TOOLS, "temperature": 0.1, "messages": [SYSTEM, user]},
    ):
        assert Scanner().alike(json.dumps(body).encode()) is not None
    for body in (
        {"model": "m", "messages": [user], "user": "u"},
        {"messages": [{"role": "user", "content": ""}, user]},
    ):
        assert Scanner().alike(json.dumps(body).encode()) is None
