"""Lines come out as they were sent, wherever the network cut them."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.ndjson import NdjsonParser


def parse(pieces):
    parser = NdjsonParser()
    events = [event for piece in pieces for event in parser.feed(piece)]
    return events + parser.close()


@settings(max_examples=200, deadline=None)
@given(stream=st.text('{"a} \r\n', max_size=60).map(str.encode), cuts=st.sets(st.integers(0, 60)))
def test_where_the_network_cut_makes_no_difference(stream, cuts):
    bounds = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    pieces = [stream[start:end] for start, end in itertools.pairwise(bounds)]
    assert parse(pieces) == [line.strip() for line in stream.split(b"\n") if line.strip()]


@pytest.mark.parametrize("size", [1, 1000])
def test_a_line_past_the_cap_is_dropped_and_counted_and_the_next_is_read(size):
    stream = b"{1}\n" + b"x" * 90 + b"\n{2}\n"
    parser = NdjsonParser(max_event_bytes=50)
    events = [event for at in range(0, len(stream), size) for event in parser.feed(stream[at : at + size])]
    assert events == [b"{1}", b"{2}"]
    assert parser.oversized == 1


@pytest.mark.parametrize(
    ("tail", "events"), [(b'"}\n{2}\n', [b"{2}"]), (b"{2}\n{3}", [b"{2}", b"{3}"]), (b"no end", [])]
)
def test_after_a_gap_reading_starts_at_the_next_object(tail, events):
    parser = NdjsonParser()
    assert parser.feed(b'{1}\n{"cut') == [b"{1}"]
    parser.gap()
    assert parser.feed(tail) + parser.close() == events
