"""The overall rate does not move when only the mix moves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.stats.standardise import decompose

STRATUM = st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_reference_value_same_rates_other_mix():
    changed = decompose([10, 100], [500, 500], [16, 40], [800, 200])
    assert changed.crude_reference == pytest.approx(0.056)
    assert changed.crude == pytest.approx(0.11)
    assert changed.behaviour == pytest.approx(0, abs=1e-12)
    assert changed.mix == pytest.approx(0.054)
    assert changed.standardised == pytest.approx(0.056)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(STRATUM, STRATUM), min_size=1, max_size=6))
def test_behaviour_and_mix_leave_no_remainder(strata):
    (k, n), (k0, n0) = (np.array([s[side] for s in strata]).T for side in (0, 1))
    if n.sum() and n0.sum():
        split = decompose(k, n, k0, n0)
        assert split.behaviour + split.mix == pytest.approx(split.crude - split.crude_reference, abs=1e-9)


def test_a_stratum_without_live_trials_adds_no_behaviour():
    assert decompose([5, 0], [100, 0], [5, 50], [100, 100]).behaviour == pytest.approx(0)


def test_nothing_to_compare_is_refused():
    with pytest.raises(ValueError, match="need trials on either side"):
        decompose([0], [0], [1], [10])
