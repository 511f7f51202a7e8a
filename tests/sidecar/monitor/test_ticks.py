"""Rates rest on when requests began."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.monitor.ticks import Rates

SERIES = ("refusal_by_length", "1", "m")


def test_the_order_in_which_answers_finish_does_not_matter():
    rng = random.Random(7)
    seen = [(rng.uniform(0, 600), float(rng.random() < 0.3)) for _ in range(500)]
    in_order, shuffled = Rates(60, 600), Rates(60, 600)
    for at_s, value in sorted(seen):
        in_order.count(SERIES, at_s, value)
    rng.shuffle(seen)
    for at_s, value in seen:
        shuffled.count(SERIES, at_s, value)
    assert in_order.totals() == shuffled.totals() == {SERIES: (sum(v for _, v in seen), 500)}


def test_what_began_before_the_window_is_not_counted_however_late_it_ends():
    rates = Rates(60, 120)
    rates.count(SERIES, 1000, 1.0)
    rates.count(SERIES, 100, 1.0)
    assert rates.totals() == {SERIES: (1.0, 1)}


def test_outcomes_of_one_choice_share_their_trials():
    rates = Rates(60, 120, lambda _, stratum: stratum.partition(">")[0])
    for stratum in ("search>read", "search>read", "search>send", "read>answer"):
        rates.count(("tool_transition", stratum, "m"), 100, 1.0)
    assert {series[1]: counts for series, counts in rates.totals().items()} == {
        "search>read": (2.0, 3),
        "search>send": (1.0, 3),
        "read>answer": (1.0, 1),
    }


def test_a_series_without_traffic_in_the_window_takes_no_memory():
    rates = Rates(60, 120)
    rates.count(SERIES, 0, 1.0)
    rates.advance(1000)
    assert rates.totals() == {}
    assert not rates._series


@pytest.mark.parametrize(("length_s", "window_s"), [(0, 60), (60, 30), (-1, 5)])
def test_lengths_that_make_no_sense_are_refused_with_their_values(length_s, window_s):
    with pytest.raises(ValueError, match=f"got {length_s} and {window_s}"):
        Rates(length_s, window_s)


def test_counts_that_nobody_looks_at_take_no_more_memory_than_a_window():
    rates = Rates(60, 120)
    for tick in range(1000):
        rates.count(SERIES, 60 * tick, 1.0)
    assert len(rates._series[SERIES]) <= 3
    assert rates.totals() == {SERIES: (2.0, 2)}


@given(st.lists(st.tuples(st.integers(0, 900), st.booleans(), st.booleans()), max_size=60))
def test_sums_that_are_kept_are_those_of_what_is_in_the_window(seen):
    """Counts come in any order, and somebody looks in between, or not."""
    rates = Rates(60, 240)
    told, now = [], 0
    for at_s, value, looks in seen:
        rates.count(SERIES, at_s, float(value))
        now = max(now, at_s // 60)
        if at_s // 60 > now - 4:
            told.append((at_s // 60, value))
        if looks:
            rates.advance(60 * now)
            inside = [value for tick, value in told if tick > now - 4]
            assert rates.totals() == ({SERIES: (float(sum(inside)), len(inside))} if inside else {})
