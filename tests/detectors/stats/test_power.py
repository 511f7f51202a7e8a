"""What is said to be detectable is detected, about as soon as said."""

import numpy as np
import pytest

from detectors.stats.power import reference_needed, simulated_delay, smallest_shift, typical_delay, undetectable
from detectors.stats.windows import FAVOURED_TRIALS


@pytest.mark.parametrize(("rate", "reference"), [(0.10, 250), (0.15, 250), (0.02, 500)])
def test_the_typical_delay_is_near_the_simulated_median(rate, reference):
    said = typical_delay(reference, 5000, rate, 2000, 50)
    simulated = simulated_delay(reference, 5000, rate, 2000, 50, np.random.default_rng(1), runs=200)
    assert simulated.found == 1.0
    assert 0.6 * said < simulated.median < 1.4 * said
    assert simulated.median <= simulated.p90


def test_a_shift_that_hardly_any_run_finds_has_no_delay():
    found = simulated_delay(5, 100, 0.055, 500, 50, np.random.default_rng(1), runs=50, horizon_ticks=200)
    assert found.found < 0.1
    assert np.isinf(found.median)
    assert np.isinf(typical_delay(5, 100, 0.055, 500, 50))


def test_a_margin_and_a_smaller_budget_cost_delay():
    plain = typical_delay(250, 5000, 0.08, 2000, 50)
    assert typical_delay(250, 5000, 0.08, 2000, 50, odds_margin=1.2) > plain
    assert typical_delay(250, 5000, 0.08, 2000, 50, budget=1e-8) > plain


def test_favoured_windows_and_a_larger_share_of_g_make_a_slow_rise_found_sooner_also_by_simulation():
    favouring = {"g_share": 0.9, "favoured_trials": FAVOURED_TRIALS}
    assert typical_delay(250, 5000, 0.08, 2000, 50, **favouring) < typical_delay(250, 5000, 0.08, 2000, 50)
    assert smallest_shift(250, 5000, 1600, 2000, 50, **favouring) < smallest_shift(250, 5000, 1600, 2000, 50)
    delays = [
        simulated_delay(250, 5000, 0.08, 2000, 50, np.random.default_rng(1), runs=200, **options).median
        for options in (favouring, {})
    ]
    assert delays[0] < delays[1]


def test_the_smallest_shift_is_seen_in_time_and_the_next_smaller_is_not():
    shift = smallest_shift(250, 5000, 1000, 2000, 50)
    assert typical_delay(250, 5000, 0.05 + shift, 2000, 50) <= 1000
    assert typical_delay(250, 5000, 0.05 + shift - 0.0005, 2000, 50) > 1000
    assert np.isnan(smallest_shift(1, 2, 50, 2000, 50))


def test_a_small_baseline_is_said_to_be_too_small():
    assert undetectable(5, 100, 0.05)
    assert not undetectable(250, 5000, 0.05)
    assert reference_needed(0.05, 0.05) == 950
