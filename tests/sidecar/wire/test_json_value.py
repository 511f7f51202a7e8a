"""JSON of others is read within bounds and never raises."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.json_value import MAX_BYTES, last_member, load, salvage

values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_no_bytes_raise(data):
    load(data)
    salvage(data)
    last_member(data, "usage")


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":['])
def test_hostile_nesting_is_refused_and_not_followed(opening):
    assert load(opening * 200_000) is None
    assert salvage(opening * 200_000) is None


def test_a_document_past_the_bound_is_refused():
    assert load(b" " * MAX_BYTES + b"{}") is None


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'"half \\ud83d of a pair"', "half \ufffd of a pair"),
        (b'["\\ud83d\\ude00", "\\udc00"]', ["\U0001f600", "\ufffd"]),
        (b'{"\\ud800": NaN}', None),
        (b'{"a": "\xff"}', {"a": "\ufffd"}),
    ],
)
def test_what_strict_parsers_refuse_is_read_and_can_be_encoded(data, value):
    loaded = load(data)
    if value is None:
        assert list(loaded) == ["\ufffd"]
    else:
        assert loaded == value
    json.dumps(loaded, ensure_ascii=False).encode()


@settings(max_examples=200, deadline=None)
@given(
    value=st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=4), data=st.data(), escaped=st.booleans()
)
def test_a_document_cut_anywhere_gives_what_stood_before_the_cut(value, data, escaped):
    document = json.dumps(value, ensure_ascii=escaped).encode()
    cut = data.draw(st.integers(1, len(document)))
    recovered = salvage(document[:cut])
    assert isinstance(recovered, dict)
    assert list(recovered) == list(value)[: len(recovered)]
    for key in list(recovered)[:-1]:  # all but the last are whole
        assert recovered[key] == value[key]


def test_a_text_is_kept_up_to_the_cut():
    document = b'{"m": [{"t": "one"}, {"t": "tw\\u00f6 \\\\ \\" end"}]}'
    assert salvage(document[:30]) == {"m": [{"t": "one"}, {"t": "tw"}]}
    for cut in range(25, len(document) - 4):
        assert 'tw\u00f6 \\ " end'.startswith(salvage(document[:cut])["m"][1].get("t", ""))


def test_the_last_whole_member_of_a_tail_is_found():
    tail = b'\\"usage\\": no"}], "usage": {"a": [1, "}"]}, "x": "usage"}'
    assert last_member(tail, "usage") == {"a": [1, "}"]}
    assert last_member(tail, "nothing") is None
    assert last_member(b'"usage": {"cut', "usage") is None


def test_brackets_within_texts_do_not_count_against_a_document():
    document = {"a": "y" * 70_000, "b": '"[' * 300_000, "c": [1]}
    assert load(json.dumps(document).encode()) == document


def test_a_document_of_too_many_values_is_refused():
    assert load(b"[" + b"{}," * 300_000 + b"0]") is None
    assert load(b"[" + b"1," * 100_000 + b"0]") is not None


@pytest.mark.parametrize("end", ["\\", "\\u", "\\u12", "\\u123"])
def test_half_an_escape_at_the_cut_is_left_out(end):
    assert salvage(f'{{"a": "x\\\\{end}'.encode()) == {"a": "x\\"}


def test_digits_that_only_look_like_an_escape_stay():
    assert salvage(b'{"a": "x\\\\u12') == {"a": "x\\u12"}
    assert salvage(b'{"a": "blau12') == {"a": "blau12"}


def test_of_a_cut_document_only_so_many_values_are_looked_at():
    assert len(salvage(b"[" + b"1," * 30_000)) == pytest.approx(16_000, abs=2)
