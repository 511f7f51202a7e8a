"""Arrivals are a Poisson process; the minute's budget holds in every minute; a server in trouble gets rest."""

import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.canary.schedule import DAY_S, MINUTE_S, Breaker, Minute, wait_s


def test_waits_are_those_of_a_poisson_process():
    rng = random.Random(11)
    waits = [wait_s(rng, 300.0) for _ in range(20_000)]
    assert statistics.mean(waits) == pytest.approx(300, rel=0.03)
    assert statistics.stdev(waits) == pytest.approx(300, rel=0.03)  # as its mean: no rhythm to be known by
    assert sum(wait > 600 for wait in waits) / len(waits) == pytest.approx(0.1353, abs=0.01)  # e^-2


def test_the_same_seed_gives_the_same_waits():
    assert [wait_s(random.Random(3), 60.0) for _ in range(2)] == [wait_s(random.Random(3), 60.0)] * 2


@settings(max_examples=200, deadline=None)
@given(
    st.integers(1, 1000),
    st.lists(st.tuples(st.integers(0, 1200), st.integers(0, 1200), st.floats(0, 90)), max_size=60),
)
def test_no_sixty_seconds_ever_take_more_than_the_minutes_budget(budget, wishes):
    minute, now_s, charged = Minute(budget), 0.0, []
    for worst, used, pause_s in wishes:
        now_s += pause_s
        wait = minute.wait_s(worst, now_s)
        if wait == float("inf"):
            assert worst > budget
            continue
        assert 0 <= wait <= MINUTE_S + 1e-9
        now_s += wait
        assert minute.wait_s(worst, now_s) == 0  # what it said is enough
        minute.charge(min(used, worst), now_s)
        charged.append((now_s, min(used, worst)))
    for at_s, _ in charged:
        assert sum(tokens for other_s, tokens in charged if at_s - MINUTE_S + 1e-6 < other_s <= at_s) <= budget


def test_the_minutes_budget_waits_no_longer_than_it_must():
    minute = Minute(100)
    for at_s in (0.0, 10.0, 20.0):
        minute.charge(30, at_s)
    assert minute.wait_s(10, 25.0) == 0
    assert minute.wait_s(40, 25.0) == 35.0  # the first has then had its sixty seconds
    assert minute.wait_s(41, 25.0) == 45.0
    assert minute.wait_s(100, 25.0) == 55.0


def test_each_failed_try_doubles_the_rest_up_to_a_day_and_a_reply_ends_it():
    breaker, now_s, rests = Breaker(errors=3, rest_s=300.0), 0.0, []
    for _ in range(14):
        breaker.failed(now_s)
        rest_s = 0
        while breaker.open(now_s + rest_s):
            rest_s += 60
        rests.append(rest_s)
        now_s += rest_s
    assert rests[:6] == [0, 0, 300, 600, 1200, 2400]
    assert rests[-1] == DAY_S
    breaker.failed(now_s)
    breaker.worked()
    assert not breaker.open(now_s)
    breaker.failed(now_s)
    assert not breaker.open(now_s)  # and counting begins anew


@pytest.mark.parametrize("wrong", [lambda: Minute(0), lambda: Breaker(0, 1.0), lambda: Breaker(1, 0.0)])
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match="need"):
        wrong()
