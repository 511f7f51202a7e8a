"""What is said to be detectable is detected, about as soon as said."""

import numpy as np
import pytest

from detectors.stats.parameters import ScanParameters
from detectors.stats.power import reference_needed, simulated_delay, smallest_shift, typical_delay, undetectable
from detectors.stats.spending import FAVOURING, Spending


def one(reference, trials=5000, ticks=2000, **others):
    """A stratum of 50 trials a tick."""
    return ScanParameters(reference, trials, ticks, 50, **others)


@pytest.mark.parametrize(("rate", "reference"), [(0.10, 250), (0.15, 250), (0.02, 500)])
def test_the_typical_delay_is_near_the_simulated_median(rate, reference):
    said = typical_delay(one(reference), rate)
    simulated = simulated_delay(one(reference), rate, np.random.default_rng(1), runs=200)
    assert simulated.found == 1.0
    assert 0.6 * said < simulated.median < 1.4 * said
    assert simulated.median <= simulated.p90


def test_a_shift_that_hardly_any_run_finds_has_no_delay():
    small = one(5, 100, 500)
    found = simulated_delay(small, 0.055, np.random.default_rng(1), runs=50, horizon_ticks=200)
    assert found.found < 0.1
    assert np.isinf(found.median)
    assert np.isinf(typical_delay(small, 0.055))


def test_a_margin_and_a_smaller_budget_cost_delay():
    plain = typical_delay(one(250), 0.08)
    assert typical_delay(one(250, odds_margin=1.2), 0.08) > plain
    assert typical_delay(one(250, false_alarm_budget=1e-8), 0.08) > plain


def test_favoured_windows_and_a_larger_share_of_g_make_a_slow_rise_found_sooner_also_by_simulation():
    favouring, even = one(250, spending=FAVOURING), one(250)
    assert typical_delay(favouring, 0.08) < typical_delay(even, 0.08)
    assert smallest_shift(favouring, 1600) < smallest_shift(even, 1600)
    delays = [simulated_delay(each, 0.08, np.random.default_rng(1), runs=200).median for each in (favouring, even)]
    assert delays[0] < delays[1]


def test_the_smallest_shift_is_seen_in_time_and_the_next_smaller_is_not():
    shift = smallest_shift(one(250), 1000)
    assert typical_delay(one(250), 0.05 + shift) <= 1000
    assert typical_delay(one(250), 0.05 + shift - 0.0005) > 1000
    assert np.isnan(smallest_shift(one(1, 2), 50))


def test_where_all_of_the_budget_is_for_drift_from_the_baseline_nothing_is_typical_of_g():
    assert np.isinf(typical_delay(one(250, spending=Spending(g_share=0.0)), 0.5))


def test_strata_side_by_side_have_no_one_delay():
    with pytest.raises(ValueError, match="need the parameters of one stratum"):
        typical_delay(one([250, 250]), 0.1)


def test_a_small_baseline_is_said_to_be_too_small():
    assert undetectable(5, 100, 0.05)
    assert not undetectable(250, 5000, 0.05)
    assert reference_needed(0.05, 0.05) == 950
