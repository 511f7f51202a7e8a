"""Noise between days is measured, and becomes a margin that covers it."""

import numpy as np
import pytest

from detectors.stats.over_dispersion import effective_number, over_dispersion


def days(rng, sd, count=400, trials=2000, p=0.05):
    logit = np.log(p / (1 - p)) + sd * rng.standard_normal(count)
    return rng.binomial(trials, 1 / (1 + np.exp(-logit))), np.full(count, trials)


def test_coin_tosses_have_ratio_one_and_hardly_any_margin():
    found = over_dispersion(*days(np.random.default_rng(1), 0.0))
    assert found.ratio == pytest.approx(1, abs=0.2)
    assert found.odds_margin < 1.12


def test_the_margin_is_two_standard_deviations_of_the_log_odds():
    found = over_dispersion(*days(np.random.default_rng(2), 0.2))
    assert np.log(found.odds_margin) == pytest.approx(0.4, abs=0.06)
    assert found.sd == pytest.approx(0.2 * 0.05 * 0.95, rel=0.15)
    assert found.ratio > 3


def test_few_days_ask_for_a_larger_margin_than_they_show():
    """Seven days, sd .2, 300 seeds: the upper margin covers the true one in at least 85 of 100."""
    rng = np.random.default_rng(3)
    covered = [over_dispersion(*days(rng, 0.2, 7)).odds_margin_upper >= np.exp(0.4) for _ in range(300)]
    assert np.mean(covered) > 0.85


@pytest.mark.parametrize(("events", "trials"), [([], []), ([3], [10]), ([0, 0], [5, 5]), ([5, 5], [5, 5]), ([0], [0])])
def test_where_nothing_can_be_said_the_margin_is_one(events, trials):
    found = over_dispersion(events, trials)
    assert np.isnan(found.ratio)
    assert found.odds_margin == 1.0


def test_one_user_of_many_requests_counts_for_little_more_than_one():
    assert effective_number([5, 5, 5]) == 3
    assert effective_number([1000] + [1] * 50) < 1.2
    assert effective_number([]) == 0
