"""How soon a shift would be found, and that the judgement itself keeps that promise."""

import math

import numpy as np
import pytest

from detectors.watch.delay import NEVER, Stream, found_within
from detectors.watch.rules import Rules

RULES = Rules()
PER_DAY = 2000


def stream(rate=0.05, trials=5000, per_day=PER_DAY, strata=40):
    return Stream(round(rate * trials), trials, per_day / 1440, RULES.false_alarm_budget / strata, 1.1)


def found(shift, runs=60, seed=1, **options):
    return found_within(stream(**options), shift, RULES, np.random.default_rng(seed), runs)


def test_a_greater_shift_is_found_sooner_in_either_direction():
    five, ten = found(0.05), found(0.10)
    assert 200 < ten.median < five.median < five.promised < 20_000
    assert found(-0.10, rate=0.3).promised < 5000


def test_a_budget_shared_by_more_strata_and_a_smaller_baseline_cost_time():
    assert found(0.05, strata=2).median < found(0.05, strata=400).median
    assert found(0.05, trials=50_000).median < found(0.05, trials=2500).median


def test_the_pace_of_traffic_matters_little_in_trials_and_so_all_the_more_in_days():
    slow, fast = found(0.10, per_day=100), found(0.10, per_day=20_000)
    assert 0.5 < slow.median / fast.median < 2


def test_what_lies_within_the_floor_is_never_promised():
    assert found(RULES.floor_at(0.05), trials=50_000) == NEVER
    assert found(RULES.floor_at(0.05) + 0.02, trials=50_000) != NEVER


def test_what_a_small_baseline_cannot_tell_is_never_promised():
    assert found(0.05, trials=100).promised == math.inf


def test_what_does_not_fit_into_a_period_is_not_promised():
    assert found(0.05, per_day=10).promised == math.inf


@pytest.mark.parametrize("shift", [0.0, 0.96, -0.06])
def test_a_shift_to_no_rate_is_named(shift):
    with pytest.raises(ValueError, match="need a shift other than 0"):
        found(shift)


def test_impossible_streams_are_named():
    with pytest.raises(ValueError, match="got 3 of 2"):
        Stream(3, 2, 1.0, 0.001)
    with pytest.raises(ValueError, match=r"got 0, 0\.001 and 1"):
        Stream(1, 2, 0, 0.001)
