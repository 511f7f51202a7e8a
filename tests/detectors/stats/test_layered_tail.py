"""The tail of a sum of independent hypergeometrics is exact, however deep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from detectors.stats.hypergeometric import log_upper_tail
from detectors.stats.layered_tail import layered_exponent, layered_exponent_bound, log_upper_tail_of_sum

TABLE = st.tuples(st.integers(0, 40), st.integers(1, 60), st.integers(0, 40), st.integers(1, 60)).map(
    lambda row: (min(row[0], row[1]), row[1], min(row[2], row[3]), row[3])
)


def slow_tail(rows):
    law = np.ones(1)
    for k, n, big_k, big_n in rows:
        law = np.convolve(law, hypergeom.pmf(np.arange(n + 1), n + big_n, k + big_k, n))
    return law[sum(row[0] for row in rows) :].sum()


def columns(rows):
    return [np.array([[row[column] for row in rows]], float) for column in range(4)]


def test_reference_values_of_two_layers():
    rows = [(5, 10, 3, 30), (2, 8, 6, 40)]
    assert np.exp(log_upper_tail_of_sum(*columns(rows))[0]) == pytest.approx(0.01967186220351089, rel=1e-9)
    assert np.exp(log_upper_tail_of_sum(*columns(rows), 1.1)[0]) == pytest.approx(0.028248592973171616, rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(st.lists(TABLE, min_size=2, max_size=4))
def test_the_sum_has_the_law_of_a_plain_convolution(rows):
    p = slow_tail(rows)
    if p > 1e-10:
        assert np.exp(log_upper_tail_of_sum(*columns(rows))[0]) == pytest.approx(p, rel=1e-7)


@settings(max_examples=200, deadline=None)
@given(st.lists(TABLE, min_size=2, max_size=4), st.sampled_from([1.0, 1.3]))
def test_a_tail_that_need_not_be_exact_is_bounded_from_above(rows, odds):
    exact = log_upper_tail_of_sum(*columns(rows), odds)[0]
    bound = log_upper_tail_of_sum(*columns(rows), odds, settled_at=np.inf)[0]
    assert exact <= bound + 1e-9
    assert bound < exact / 2 + 3
    assert log_upper_tail_of_sum(*columns(rows), odds, settled_at=bound - 1e-6)[0] == exact


def test_identical_shares_in_one_layer_are_the_plain_test():
    one = np.array([[9.0]]), np.array([[50.0]]), np.array([[25.0]]), np.array([[500.0]])
    padded = [np.hstack([column, np.zeros((1, 2))]) for column in one]
    assert log_upper_tail_of_sum(*padded)[0] == pytest.approx(float(log_upper_tail(9, 50, 25, 500)), rel=1e-12)


@settings(max_examples=200, deadline=None)
@given(st.lists(TABLE, min_size=2, max_size=4), st.sampled_from([1.0, 1.3]))
def test_the_exponent_is_never_above_its_bound(rows, odds):
    psi = np.array([odds])
    assert layered_exponent(*columns(rows), psi)[0] <= layered_exponent_bound(*columns(rows), psi)[0] + 1e-6


def test_the_bound_is_near_the_exponent_where_the_reference_is_large():
    """Eight layers at .05, the window at .15: within 5 %."""
    rows = columns([(15, 100, 250, 5000)] * 8)
    exact, bound = (f(*rows, np.ones(1))[0] for f in (layered_exponent, layered_exponent_bound))
    assert exact > 20
    assert exact <= bound < 1.05 * exact


@settings(max_examples=200, deadline=None)
@given(st.lists(TABLE, min_size=1, max_size=3), st.sampled_from([1.0, 1.3]))
def test_layers_that_can_tell_nothing_change_nothing_wherever_they_stand(rows, odds):
    """No trials on one side, no events at all, nothing but events: X is known."""
    mute = [(0, 0, 3, 9), (2, 5, 0, 0), (0, 7, 0, 9), (7, 7, 9, 9)]
    alone = log_upper_tail_of_sum(*columns(rows), odds)[0]
    among = log_upper_tail_of_sum(*columns(mute[:2] + rows + mute[2:]), odds)[0]
    assert among == pytest.approx(alone, rel=1e-9, abs=1e-12)


def test_a_tail_too_deep_for_a_plain_convolution_has_its_logarithm():
    """One layer split in two halves of equal odds: both tails decay alike."""
    deep = columns([(200, 400, 20, 4000), (180, 400, 25, 4000)])
    log_p = log_upper_tail_of_sum(*deep)[0]
    assert log_p < -600
    assert -4 - np.log(10) < log_p + layered_exponent(*deep, np.ones(1))[0] < 0


def test_a_share_that_differs_by_layer_alone_is_no_evidence():
    """Crude 48 of 130 against 106 of 530; layer by layer equal."""
    night, day = (45, 100, 45, 100), (3, 30, 43, 430)
    assert np.exp(log_upper_tail_of_sum(*columns([night, day]))[0]) > 0.4


@settings(max_examples=100, deadline=None)
@given(st.lists(TABLE, min_size=2, max_size=4))
def test_the_layered_deviance_never_overstates_a_tail_by_four_nats(rows):
    k, n, big_k, big_n = columns(rows)
    value = layered_exponent(k, n, big_k, big_n, np.ones(1))[0]
    if value > 0:
        assert -log_upper_tail_of_sum(k, n, big_k, big_n)[0] - 4 <= value + 1e-6
