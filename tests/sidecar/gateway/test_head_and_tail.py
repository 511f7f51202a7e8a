from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.head_and_tail import CHUNK_OVERHEAD_BYTES, HeadAndTail

bounded = settings(max_examples=200, deadline=None)


@bounded
@given(st.lists(st.binary(max_size=60), max_size=30), st.integers(0, 100), st.integers(1, 100))
def test_head_and_tail_are_exactly_the_ends_of_what_was_added(chunks: list[bytes], head: int, tail: int) -> None:
    kept = HeadAndTail(head, tail)
    for chunk in chunks:
        kept.add(chunk)
    body = b"".join(chunks)
    pieces, cut_at, omitted = kept.pieces()
    data = b"".join(pieces)
    if len(body) <= head + tail:
        assert (data, omitted) == (body, 0)
    else:
        assert (data, cut_at, omitted) == (body[:head] + body[-tail:], head, len(body) - head - tail)
    assert kept.received_bytes == len(body)


@bounded
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=200), st.integers(0, 100), st.integers(1, 100))
def test_the_reported_growth_adds_up_to_what_is_held(chunks: list[bytes], head: int, tail: int) -> None:
    kept = HeadAndTail(head, tail)
    held = sum(kept.add(chunk) for chunk in chunks)
    parts = [*kept._head, *(kept._tail or ())]
    assert held == sum(len(part) + CHUNK_OVERHEAD_BYTES for part in parts)
    assert sum(map(len, kept._tail or ())) < tail + 60


def test_a_chunk_that_crosses_no_limit_is_not_copied() -> None:
    kept = HeadAndTail(10, 10)
    for chunk in (b"0123456789", b"abcdefghi"):
        kept.add(chunk)
        assert any(part is chunk for part in (*kept._head, *(kept._tail or ())))
