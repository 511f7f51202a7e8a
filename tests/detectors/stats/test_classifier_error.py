"""A difference made by the classifier alone is corrected away, with the uncertainty that this costs."""

import numpy as np
import pytest

from detectors.stats.classifier_error import LabelledSample, corrected, corrected_difference, corrected_rate


def test_the_correction_inverts_what_the_classifier_does():
    p = np.linspace(0, 1, 11)
    assert corrected(p * 0.8 + (1 - p) * 0.1, 0.8, 0.9) == pytest.approx(p)


def test_a_rate_below_the_false_positives_is_zero_and_a_coin_says_nothing():
    assert corrected(0.02, 0.9, 0.95) == 0
    assert np.isnan(corrected(0.3, 0.5, 0.505))


def test_a_gap_between_languages_that_is_only_classifier_error_is_corrected_to_none():
    """True rate .10 in both; 95/98 against 70/90 per cent right: observed .113 and .16."""
    rng = np.random.default_rng(8)
    english = corrected_rate(1130, 10_000, LabelledSample(950, 1000, 980, 1000), rng)
    other = corrected_rate(1600, 10_000, LabelledSample(700, 1000, 900, 1000), rng)
    assert english.rate == pytest.approx(0.10, abs=0.002)
    assert other.rate == pytest.approx(0.10, abs=0.002)
    assert other.low < 0.10 < other.high


def test_the_interval_covers_the_true_rate_as_often_as_it_says():
    """300 labelled samples of 100 and 200, 1,000 observed, 95 %: at least 92 of 100."""
    rng = np.random.default_rng(12)
    covered = 0
    for _ in range(300):
        sample = LabelledSample(int(rng.binomial(100, 0.85)), 100, int(rng.binomial(200, 0.93)), 200)
        got = corrected_rate(int(rng.binomial(1000, 0.2 * 0.85 + 0.8 * 0.07)), 1000, sample, rng)
        covered += got.low <= 0.2 <= got.high
    assert covered > 276


def test_a_small_labelled_sample_widens_the_interval():
    widths = []
    for size in (20, 2000):
        got = corrected_rate(1130, 10_000, LabelledSample(size, size, size, size), np.random.default_rng(1))
        widths.append(got.high - got.low)
    assert widths[0] > 4 * widths[1]


def test_a_sample_that_cannot_tell_the_classifier_from_a_coin_leaves_the_rate_undefined():
    assert np.isnan(corrected_rate(30, 100, LabelledSample(6, 10, 6, 10), np.random.default_rng(1)).rate)


def test_of_two_periods_the_shared_errors_do_not_make_a_difference():
    got = corrected_difference((300, 2000), (300, 2000), LabelledSample(45, 50, 90, 100), np.random.default_rng(5))
    assert got.low < 0 < got.high
    moved = corrected_difference((500, 2000), (300, 2000), LabelledSample(45, 50, 90, 100), np.random.default_rng(5))
    assert moved.low > 0.05
