"""Intervals hold at every moment at once, and are the reference ones."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from detectors.stats.clopper_pearson import lower_bound, upper_bound
from detectors.stats.confidence_sequence import confidence_sequence, difference_from_reference, gap, log_e_value


def test_reference_e_values():
    assert np.exp(log_e_value(7, 10, 0.5, prior=(1, 1))) == pytest.approx(128 / 165, rel=1e-9)
    assert np.exp(log_e_value(30, 200, 0.08, prior=(1, 1))) == pytest.approx(14.05164320507991, rel=1e-9)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(7, 10, 0.26674052616419347, 0.9633597096244234), (30, 200, 0.07818711593205777, 0.2481588783314776)],
)
def test_reference_intervals(k, n, low, high):
    got = confidence_sequence(k, n, 0.05, prior=(1, 1))
    assert got == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(1e-12, 0.5))
def test_at_each_end_the_e_value_is_the_limit_and_the_interval_holds_the_observed_rate(k, others, alpha):
    n = k + others
    assume(n)
    low, high = (float(end) for end in confidence_sequence(k, n, alpha))
    assert 0 <= low <= k / n <= high <= 1
    for end in (low, high):
        if 0 < end < 1 - 1e-9:
            slope = abs(others / (1 - end) - k / end) * end
            assert float(log_e_value(k, n, end)) == pytest.approx(-np.log(alpha), abs=1e-6 + 1e-9 * slope)
    assert (low == 0) == (k == 0)


def test_no_trials_say_nothing_and_one_sided_counts_reach_the_edge():
    assert confidence_sequence(0, 0, 0.05) == (0.0, 1.0)
    low, high = confidence_sequence([0, 50], 50, 0.05)
    assert low[0] == 0.0
    assert high[1] == 1.0
    assert 0 < high[0] < 0.2
    assert low[1] == pytest.approx(1 - high[0], abs=1e-9)


@pytest.mark.parametrize("p", [0.02, 0.3])
def test_a_rate_leaves_its_interval_at_any_of_three_thousand_looks_with_less_than_alpha(p):
    """1,000 streams; alpha .1. Monte Carlo error .9 points; fails if the interval were a fixed-sample one."""
    rng = np.random.default_rng(17)
    k, ever = np.zeros(1000), np.zeros(1000, bool)
    for n in range(1, 3001):
        k += rng.random(1000) < p
        ever |= log_e_value(k, n, p) >= np.log(10)
    assert 0.01 < ever.mean() < 0.1 + 0.02


def test_the_difference_covers_the_truth_over_references_and_live_data():
    """2,000 references and streams at alpha .2: at most a fifth may miss, at the end of the stream."""
    rng = np.random.default_rng(4)
    low, high = difference_from_reference(rng.binomial(900, 0.15, 2000), 900, rng.binomial(500, 0.1, 2000), 500, 0.2)
    assert np.mean((low <= 0.05) & (high >= 0.05)) > 0.8
    assert np.mean(high - low) < 0.2


def test_the_difference_spends_half_of_alpha_on_either_side():
    live, reference = confidence_sequence(90, 500, 0.1), (lower_bound(45, 900, 0.05), upper_bound(45, 900, 0.05))
    low, high = difference_from_reference(90, 500, 45, 900, 0.2)
    assert low == pytest.approx(float(live[0] - reference[1]))
    assert high == pytest.approx(float(live[1] - reference[0]))


def test_a_gap_runs_from_the_least_to_the_greatest_difference():
    low, high = gap((np.array(0.2), np.array(0.3)), (np.array(0.05), np.array(0.1)))
    assert (float(low), float(high)) == (pytest.approx(0.1), pytest.approx(0.25))


def test_a_level_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="need 0 < alpha < 1"):
        confidence_sequence(1, 2, 1.0)


def test_counts_without_an_event_or_without_another_make_no_warning_at_any_number_of_trials():
    trials = np.arange(1, 5000)
    low, _ = confidence_sequence(np.zeros_like(trials), trials, 0.00125)
    _, high = confidence_sequence(trials, trials, 0.00125)
    assert np.all(low == 0)
    assert np.all(high == 1)
