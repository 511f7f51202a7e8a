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
