"""The least shift that a baseline shows within a time: it follows from the baseline, the pace and the rules, and the scan keeps it."""

import math
from dataclasses import replace

import numpy as np

from detectors.watch.delay import Stream, found_within
from detectors.watch.promise import DAY_S, Asked, least_shift
from detectors.watch.rules import Rules

RULES = Rules()


def asked(rate=0.05, trials=14_000, per_day=2000, users=400.0):
    stream = Stream(round(rate * trials), trials, per_day / 1440, RULES.false_alarm_budget / 40, 1.1)
    return Asked("refusal_by_length", "4-7", "m", stream, users)


def test_half_of_all_drifts_of_that_size_are_found_within_the_time_and_of_half_that_size_are_not():
    one = asked()
    shift = least_shift(one, DAY_S, RULES)
    per_day = one.stream.trials_per_tick * DAY_S / RULES.tick_s
    within = found_within(one.stream, shift, RULES, np.random.default_rng(3)).median
    assert 0.5 * per_day < within < 1.5 * per_day
    assert found_within(one.stream, shift / 2, RULES, np.random.default_rng(3)).median > 2 * per_day


def test_more_time_more_traffic_and_a_larger_baseline_show_less():
    shift = least_shift(asked(), DAY_S, RULES)
    assert least_shift(asked(), 7 * DAY_S, RULES) < shift
    assert least_shift(asked(per_day=20_000), DAY_S, RULES) < shift
    assert least_shift(asked(trials=1000), DAY_S, RULES) > shift


def test_what_does_not_matter_is_not_promised_however_much_could_be_seen():
    shift = least_shift(asked(trials=1_000_000, per_day=1_000_000), DAY_S, RULES)
    assert RULES.floor_at(0.05) < shift < RULES.floor_at(0.05) + 0.001


def test_where_nothing_can_be_found_within_the_time_or_users_are_too_few_there_is_none():
    assert math.isnan(least_shift(asked(per_day=5), DAY_S, RULES))
    assert math.isnan(least_shift(asked(users=RULES.least_users - 1), DAY_S, RULES))
    assert not math.isnan(least_shift(replace(asked(), users=None), DAY_S, RULES))
