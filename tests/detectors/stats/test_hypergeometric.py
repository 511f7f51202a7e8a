"""Fisher's tails are exact, however deep, however large the counts, with or without a margin."""

from decimal import Decimal, localcontext
from fractions import Fraction
from math import comb, log

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import hypergeom

from detectors.stats.hypergeometric import centre, exponent, log_lower_tail, log_probability, log_upper_tail

PI = Decimal("3.1415926535897932384626433832795028841972")
COUNTS = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def exact_upper(k, n, big_k, big_n, odds=Fraction(1)):
    """P(X >= k) in fractions."""
    t = k + big_k
    weights = {x: comb(n, x) * comb(big_n, t - x) * odds**x for x in range(max(0, t - big_n), min(n, t) + 1)}
    return sum(weight for x, weight in weights.items() if x >= k) / Fraction(sum(weights.values()))


def log_of(fraction):
    return log(fraction.numerator) - log(fraction.denominator)


@pytest.mark.parametrize(
    ("table", "p"),
    [
        ((9, 50, 25, 500), 0.0018562618603570867),
        ((31, 200, 25, 500), 1.0350817403752633e-05),
        ((300, 2000, 250, 2500), 2.505782777125288e-07),
    ],
)
def test_reference_values_of_the_upper_tail(table, p):
    assert np.exp(log_upper_tail(*table)) == pytest.approx(p, rel=1e-9)


def test_reference_value_of_the_lower_tail():
    assert np.exp(log_lower_tail(0, 200, 25, 500)) == pytest.approx(0.00018629251944594149, rel=1e-9)


def test_reference_value_with_a_margin():
    assert np.exp(log_upper_tail(9, 50, 25, 500, np.exp(0.1))) == pytest.approx(0.0033958003253161816, rel=1e-9)


@settings(max_examples=200, deadline=None)
@given(COUNTS, COUNTS, st.sampled_from([Fraction(1), Fraction(5, 4), Fraction(2, 3)]))
def test_both_tails_agree_with_fractions(sample, reference, odds):
    (k, n), (big_k, big_n) = sample, reference
    assert log_upper_tail(k, n, big_k, big_n, float(odds)) == pytest.approx(
        log_of(exact_upper(k, n, big_k, big_n, odds)), rel=1e-9, abs=1e-12
    )
    assert log_lower_tail(k, n, big_k, big_n, float(odds)) == pytest.approx(
        log_of(exact_upper(big_k, big_n, k, n, 1 / odds)), rel=1e-9, abs=1e-12
    )


def log_factorial(m):
    """Stirling's series in 40 digits, for m of 50 and more."""
    n = Decimal(m)
    series = 1 / (12 * n) - 1 / (360 * n**3) + 1 / (1260 * n**5) - 1 / (1680 * n**7)
    return n * n.ln() - n + (2 * PI * n).ln() / 2 + series


@pytest.mark.parametrize(
    "table",
    [
        (1300, 10_000, 9_000, 90_000),
        (45_700, 300_000, 250_000, 1_700_000),
        (60, 2_000_000, 90, 8_000_000),
        (12_520, 250_000, 250_000, 5_000_000),
    ],
)
def test_large_counts_keep_nine_digits(table):
    """The first term in 40 digits; the ratios of the terms beyond it are simple fractions."""
    k, n, big_k, big_n = table
    t = k + big_k
    with localcontext() as context:
        context.prec = 40
        above = sum(log_factorial(m) for m in (n, big_n, t, n + big_n - t))
        below = sum(log_factorial(m) for m in (k, n - k, big_k, big_n - big_k, n + big_n))
        log_first = float(above - below)
    ratio, total, x = 1.0, 1.0, k
    while ratio > 1e-18 * total:
        ratio *= (n - x) * (t - x) / ((x + 1) * (big_n - t + x + 1))
        total, x = total + ratio, x + 1
    assert log_upper_tail(*table) == pytest.approx(log_first + log(total), abs=1e-9)


def test_a_tail_of_ten_to_the_minus_four_hundred_has_its_logarithm():
    assert log_upper_tail(900, 1000, 10, 5000) == pytest.approx(log_of(exact_upper(900, 1000, 10, 5000)), rel=1e-12)


def test_probabilities_are_those_of_scipy():
    x = np.arange(0, 26, dtype=float)
    ours = log_probability(x, np.full(26, 50.0), np.full(26, 25.0), np.full(26, 500.0))
    assert ours == pytest.approx(hypergeom.logpmf(x, 550, 25, 50), abs=1e-10)


@settings(max_examples=200, deadline=None)
@given(COUNTS, COUNTS, st.floats(0.2, 5))
def test_the_deviance_never_overstates_a_tail_by_four_nats(sample, reference, odds):
    """What the scan's second sieve rests on: exponent <= -log p + 4, so nothing within reach is lost."""
    (k, n), (big_k, big_n) = sample, reference
    arrays = [np.array([float(value)]) for value in (k, n, k + big_k, big_n)]
    origin = centre(arrays[1], arrays[2], arrays[3], odds)
    assume(k > origin[0])
    log_p = float(log_upper_tail(k, n, big_k, big_n, odds))
    assert -log_p - 4 <= exponent(arrays[0], origin, *arrays[1:])[0] + 1e-9


def test_arrays_broadcast():
    assert log_upper_tail([[1], [2]], 10, [3, 4, 5], 20).shape == (2, 3)
    assert float(log_upper_tail(0, 0, 5, 20)) == 0.0
