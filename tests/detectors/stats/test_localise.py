"""A change is dated to the block, and the set of candidates says how surely."""

import numpy as np
import pytest
from scipy.special import xlogy

from detectors.stats.localise import localise


def test_of_a_five_point_step_the_median_error_is_one_block_and_nine_in_ten_are_within_four():
    """p = .05 to .10, blocks of 200 trials, 400 seeded streams, 30 blocks after the change."""
    rng = np.random.default_rng(23)
    errors, covered = [], 0
    for _ in range(400):
        start = int(rng.integers(20, 60))
        rate = np.where(np.arange(start + 30) < start, 0.05, 0.10)
        change = localise(rng.binomial(200, rate), np.full(rate.size, 200), 250, 5000)
        errors.append(abs(change.at - start))
        covered += change.earliest <= start <= change.latest
    assert np.median(errors) <= 1
    assert np.quantile(errors, 0.9) <= 4
    assert covered > 0.95 * 400


def test_half_of_the_likelihood_lies_on_either_side_of_the_date():
    """60 streams of 40 ticks; log likelihoods by scipy's binomial law."""
    rng = np.random.default_rng(29)
    for _ in range(60):
        n = rng.integers(1, 60, 40)
        k = rng.binomial(n, np.where(np.arange(40) < 25, 0.1, 0.2))
        likelihood = []
        for j in range(40):
            parts = (k[j:].sum(), n[j:].sum()), (30 + k[:j].sum(), 300 + n[:j].sum())
            likelihood.append(sum(np.sum(xlogy([a, m - a], [a / m, 1 - a / m])) for a, m in parts))
        weights = np.exp(np.array(likelihood) - max(likelihood))
        at = localise(k, n, 30, 300).at
        assert weights[:at].sum() <= weights.sum() / 2 * (1 + 1e-9)
        assert weights[at + 1 :].sum() <= weights.sum() / 2 * (1 + 1e-9)


def test_a_shift_at_the_first_tick_is_dated_there():
    change = localise([6] * 40, [20] * 40, 50, 1000)
    assert (change.at, change.rate_before, change.rate_after) == (0, 0.05, pytest.approx(0.3))


def test_a_fall_is_dated_like_a_rise():
    assert localise([10] * 10 + [1] * 10, [20] * 20, 500, 1000).at == 10


def test_ticks_without_trials_do_no_harm():
    change = localise([1, 0, 0, 9, 8, 0], [20, 0, 0, 20, 20, 0], 50, 1000)
    assert change.at == 3
    assert np.isfinite(change.statistic)
    assert localise([0, 0], [0, 0], 50, 1000) is None
