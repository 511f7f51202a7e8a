"""Whoever can send a request cannot make metric series at will."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.export.labels import OTHER, ClosedSet


@given(st.lists(st.text(max_size=120), max_size=60))
def test_a_flood_of_values_makes_at_most_the_limit_and_other(values):
    overflows = []
    closed = ClosedSet(limit=5, overflow=lambda: overflows.append(1))
    shown = [closed.fold(value) for value in values]
    assert len(set(shown) - {OTHER}) <= 5
    assert len(overflows) == sum(value == OTHER for value in shown)


def test_an_allow_list_shows_what_it_names_and_nothing_else():
    closed = ClosedSet(limit=5, allowed=["llama"])
    assert (closed.fold("llama"), closed.fold("gpt")) == ("llama", OTHER)


def test_a_value_that_is_not_a_name_is_never_shown():
    closed = ClosedSet(limit=5)
    assert {closed.fold(bad) for bad in ("", "a\nb", "x" * 101, '"', "\x1b[31m", "ключ")} == {OTHER}
