"""Events come out as they were sent, wherever the network cut them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.sse import SseParser

STREAM = (
    b"\xef\xbb\xbf: a comment\n\n"
    b"data: one\n\n"
    b"data:two\n\n"
    b"event: named\nid: 7\nretry: 9\ndata: three\n\n"
    b"data: first line\ndata: second line\n\n\n"
    b"event: without data\n\n"
    b"data:  kept space\n\n"
    b"data\n\n"
    b"database: no\n\n"
    b"data: \xf0\x9f\x8c\x8d\n\n"
    b"data: [DONE]\n\n"
)
EVENTS = [b"one", b"two", b"three", b"first line\nsecond line", b" kept space", b"\xf0\x9f\x8c\x8d", b"[DONE]"]


def parse(pieces, **options):
    parser = SseParser(**options)
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_stream_is_its_events_whole_and_byte_by_byte(line_end):
    stream = STREAM.replace(b"\n", line_end)
    assert parse([stream]) == EVENTS
    assert parse([stream[at : at + 1] for at in range(len(stream))]) == EVENTS


@settings(max_examples=200, deadline=None)
@given(stream=st.text("data: \r\n[x", max_size=60).map(str.encode), cuts=st.sets(st.integers(0, 60)))
def test_where_the_network_cut_makes_no_difference(stream, cuts):
    bounds = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(bounds)]
    assert parse(pieces) == parse([stream])


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_characters="\r\n", exclude_categories=("Cs",)), min_size=1), max_size=8
    )
)
def test_what_is_sent_comes_out(texts):
    stream = "".join(f"data: {text}\n\n" for text in texts).encode()
    assert parse([stream]) == [text.encode() for text in texts]


def test_an_event_that_the_end_cut_is_handed_out_by_close():
    parser = SseParser()
    assert parser.feed(b"data: a\n\ndata: b") == [b"a"]
    assert parser.close() == [b"b"]
    assert parser.close() == []


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_an_event_past_the_cap_is_dropped_and_counted_and_the_next_is_read(size):
    stream = b"data: a\n\ndata: " + b"x" * 90 + b"\n\ndata: b\n\n"
    parser = SseParser(max_event_bytes=50)
    events = [event for at in range(0, len(stream), size) for event in parser.feed(stream[at : at + size])]
    assert events == [b"a", b"b"]
    assert parser.oversized == 1


def test_what_is_kept_for_an_endless_event_is_bounded():
    parser = SseParser(max_event_bytes=1000)
    for _ in range(5000):
        parser.feed(b"data: x")
    assert sum(map(len, parser._pending)) <= 1007
    assert parser.oversized == 1
    assert parser.close() == []


@pytest.mark.parametrize(
    ("tail", "events"),
    [
        (b'rest of a line"}\n\ndata: b\n\n', [b"b"]),
        (b"nt: name\ndata: b\n\n", [b"b"]),
        (b"data: b\n\ndata: c\n\n", [b"b", b"c"]),
        (b"\n\ndata: b\n\n", [b"b"]),
        (b"never a line end", []),
    ],
)
def test_after_a_gap_reading_starts_at_the_next_whole_line(tail, events):
    parser = SseParser()
    assert parser.feed(b"data: a\n\ndata: cut of") == [b"a"]
    parser.gap()
    assert parser.feed(tail) + parser.close() == events


def test_an_error_in_a_field_of_its_own_is_an_event():
    assert SseParser().feed(b'error: {"code":500}\n\nerror: a\nid: 1\n\nerrors\n\n') == [b'{"error": {"code":500}}']
