"""Whoever can send a request cannot make metric series at will."""

from hypothesis import given
from hypothesis import strategies as st

from sidecar.export.labels import OTHER, ClosedCells, ClosedSet


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


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=80))
def test_a_flood_of_transitions_keeps_every_shown_row_whole(steps):
    cells = ClosedCells(limit=5, row=lambda stratum: stratum.partition(">")[0])
    shown = [cells.fold(f"{source}>{target}") for source, target in steps]
    rows = {stratum.partition(">")[0] for stratum in shown}
    assert len({stratum for stratum in shown if not stratum.endswith(OTHER)}) <= 5
    assert len(set(shown)) <= 5 + len(rows)
    for (source, _), stratum in zip(steps, shown, strict=True):
        if stratum == f"{OTHER}>{OTHER}":
            assert source not in rows
        else:
            assert stratum.partition(">")[0] == source


def test_what_a_baseline_knows_is_shown_by_name_whatever_the_limit():
    closed, cells = ClosedSet(limit=1), ClosedCells(limit=1, row=lambda stratum: stratum.partition(">")[0])
    assert closed.fold("first") == "first"
    closed.know("tr")
    cells.know("search>read")
    assert (closed.fold("tr"), closed.fold("de")) == ("tr", OTHER)
    assert (cells.fold("search>read"), cells.fold("search>send")) == ("search>read", f"search>{OTHER}")
