"""The bounds are the published ones, and hold what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from detectors.stats.clopper_pearson import lower_bound, upper_bound


def test_reference_values():
    assert upper_bound(25, 500, 0.001) == pytest.approx(0.0875207597782098, rel=1e-12)
    assert upper_bound(0, 20, 0.05) == pytest.approx(0.1391083406682652, rel=1e-12)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.5))
def test_at_the_upper_bound_so_few_events_have_probability_beta(counts, beta):
    events, trials = counts
    if events < trials:
        assert binom.cdf(events, trials, float(upper_bound(events, trials, beta))) == pytest.approx(beta, rel=1e-6)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.001, 0.5))
def test_the_lower_bound_mirrors_the_upper(counts, beta):
    events, trials = counts
    assert lower_bound(events, trials, beta) == pytest.approx(1 - upper_bound(trials - events, trials, beta), abs=1e-9)


def test_arrays_broadcast():
    assert upper_bound([0, 5, 10], 10, 0.05).shape == (3,)
    assert np.all(lower_bound([0, 5, 10], 10, 0.05) <= np.array([0, 0.5, 1]))


@pytest.mark.parametrize(("events", "trials", "beta"), [(3, 2, 0.1), (-1, 2, 0.1), (0, 0, 0.1), (1, 2, 0.0)])
def test_counts_that_cannot_be_are_refused_with_their_values(events, trials, beta):
    with pytest.raises(ValueError, match="need 0"):
        upper_bound(events, trials, beta)
