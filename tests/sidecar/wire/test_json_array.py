"""A streamed array gives its objects, however it was cut, and nothing that it does not hold."""

from __future__ import annotations

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.json_array import JsonArrayParser

VALUES = st.recursive(
    st.none() | st.integers() | st.text(alphabet='ab"\\[]{},\n€', max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='k"}', max_size=2), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(VALUES, max_size=6),
    cuts=st.sets(st.integers(0, 300), max_size=20),
    indent=st.sampled_from([None, 1]),
)
def test_the_objects_come_out_as_they_went_in_wherever_it_was_cut(values, cuts, indent):
    body = json.dumps(values, indent=indent, ensure_ascii=False).encode()
    parser = JsonArrayParser()
    bounds = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    events = [event for a, b in itertools.pairwise(bounds) for event in parser.feed(body[a:b])]
    assert [json.loads(event) for event in events] == [value for value in values if isinstance(value, dict)]
    assert parser.close() == []


def test_bytewise_is_the_same_as_whole():
    body = b'[{"a":"\\"]}"}, 1, [{"no":1}], {"b":{"c":[{}]}}]'
    whole, parser = JsonArrayParser().feed(body), JsonArrayParser()
    assert whole == [b'{"a":"\\"]}"}', b'{"b":{"c":[{}]}}']
    assert [event for at in range(len(body)) for event in parser.feed(body[at : at + 1])] == whole


def test_an_object_that_the_end_cut_is_handed_out_by_close():
    parser = JsonArrayParser()
    assert parser.feed(b'[{"a":1},{"b":"cut ]') == [b'{"a":1}']
    assert parser.close() == [b'{"b":"cut ]']


def test_behind_a_gap_reading_starts_at_an_object_that_begins_a_line():
    parser = JsonArrayParser()
    assert parser.feed(b'[{"a":[{"lost":"') == []
    parser.gap()
    assert parser.feed(b'nested":"}"\n  }]}\n,\r\n{"b":1}\n,\r\n{"c":2}\n]') == [b'{"b":1}', b'{"c":2}']
    assert parser.close() == []


def test_behind_a_gap_nothing_is_read_of_what_has_no_beginning():
    parser = JsonArrayParser()
    parser.gap()
    assert parser.feed(b'"a":1}]') == []
    assert parser.close() == []


@pytest.mark.parametrize("body", [b"[" + b"{}," * 500, b"[{" + b'"":[' * 5000])
def test_past_its_limit_it_is_full_and_reads_no_more(body):
    parser = JsonArrayParser(max_events=50)
    assert len(parser.feed(body)) <= 50
    assert parser.full
    assert parser.feed(b'{"more":1}') == []
    assert parser.close() == []


@settings(max_examples=200, deadline=None)
@given(pieces=st.lists(st.binary(max_size=20) | st.sampled_from([b"[", b"{", b'"', b"\\", b"}", b"]"]), max_size=30))
def test_no_bytes_raise(pieces):
    parser = JsonArrayParser(100)
    for piece in pieces:
        parser.feed(piece)
    parser.close()


def test_an_object_whose_lines_are_indented_by_halves_ends_where_its_bracket_does():
    given = b'[{\n "a": {\n},\n "b": "}"\n}\n,\r\n{\n "c": "{"\n}\n]'
    parser = JsonArrayParser()
    assert [json.loads(event) for event in parser.feed(given)] == [{"a": {}, "b": "}"}, {"c": "{"}]


def pretty(*objects):
    return b"[" + b"\n,\r\n".join(json.dumps(each, indent=2).encode() for each in objects) + b"\n]"


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(st.text(alphabet='ab"\\[]{},\r\n€ ', max_size=6), min_size=1, max_size=40),
    cuts=st.sets(st.integers(0, 3000), max_size=8),
)
def test_gemini_s_objects_come_out_whatever_they_hold_and_wherever_it_was_cut(texts, cuts):
    objects = [{"parts": [{"text": text}], "{": {}} for text in texts]
    body, parser = pretty(*objects), JsonArrayParser()
    bounds = [0, *sorted(cut for cut in cuts if cut < len(body)), len(body)]
    events = [event for a, b in itertools.pairwise(bounds) for event in parser.feed(body[a:b])]
    assert [json.loads(event) for event in events] == objects
    assert parser.close() == []


def test_a_block_without_what_all_have_is_given_back_as_it_was():
    objects = [{"a": {"b": n}} for n in range(500)]
    parser = JsonArrayParser()
    blocks = parser.blocks(pretty(*objects))
    assert [json.loads(parser.data(block)) for block in blocks] == objects
    assert not any(block.startswith(b"{") for block in blocks[:-1])


def test_of_objects_that_are_found_at_once_no_more_than_the_limit_are_read():
    parser = JsonArrayParser(max_events=7)
    assert len(parser.feed(pretty(*[{"a": 1}] * 20))) == 7
    assert parser.full


def test_objects_of_another_layout_before_and_behind_gemini_s_are_read_too():
    body = b'[{"b": "}"},{\n "a": 1\n}\n,\r\n{\n "a": 2\n}\n,\r\n{\n "a": 3\n},{\n "a": 4\n},[1],{"b": 1}\n,\r\n{\n "a": 5\n}\n]'
    events = [json.loads(event) for event in JsonArrayParser().feed(body)]
    assert events == [{"b": "}"}, {"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}, {"b": 1}, {"a": 5}]
