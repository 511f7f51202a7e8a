"""A distribution is watched by exceedances whose reference rate is an honest sample."""

import numpy as np
import pytest

from detectors.stats.exact_scan import ExactScan
from detectors.stats.quantile_exceedance import exceedance


def test_the_counts_come_from_the_half_that_did_not_set_the_thresholds():
    found = exceedance([1, 100, 2, 100, 3, 100])
    assert found.thresholds[0] == 2
    assert (found.events[0], found.trials) == (3, 3)


def test_ties_exceed_nothing():
    assert exceedance([7] * 10).count([7, 7, 8]).tolist() == [1, 1, 1]


def test_a_longer_tail_at_the_same_median_is_found_at_the_high_quantile_only():
    rng = np.random.default_rng(6)
    reference = exceedance(rng.lognormal(5, 0.5, 8000))
    scan = ExactScan(reference.events, np.full(3, reference.trials), 2000, 50)
    alarms = np.zeros(3, bool)
    for _ in range(60):
        alarms |= scan.update(reference.count(rng.lognormal(5, 1.0, 50)), 50)
    assert alarms.tolist() == [False, True, True]


def test_one_value_is_too_few():
    with pytest.raises(ValueError, match="need at least two"):
        exceedance([1.0])
