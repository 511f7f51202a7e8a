"""How far apart two rates are, against a limit of 10 points."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.records.calibration import Calibration
from detectors.stats.rate_gap import GAP_STATES, Counted, gap_drift, rate_gap

LIMIT = 0.10
MANY = 20_000


def points(rate, trials=MANY, calibration=None):
    return Counted(round(rate * trials), trials, calibration)


@pytest.mark.parametrize(
    ("rate", "state"),
    [
        (0.05, "ok"),
        (0.12, "ok"),
        (0.149, "watch"),  # 9.9 points
        (0.151, "exceeded"),  # 10.1 points
        (0.25, "exceeded"),
    ],
)
def test_the_state_follows_the_gap_to_an_anchor_of_five_percent(rate, state):
    assert rate_gap(points(rate), points(0.05), LIMIT).state == state


def test_a_language_that_refuses_far_less_is_as_much_of_a_gap():
    found = rate_gap(points(0.05), points(0.25), LIMIT)
    assert found.state == "exceeded"
    assert found.high < 0


@pytest.mark.parametrize(
    ("stratum", "anchor"),
    [
        (Counted(3, 20), Counted(1000, 20_000)),
        (Counted(1000, 20_000), Counted(3, 20)),
        (Counted(0, 0), Counted(1000, 20_000)),
        (Counted(8, 60), Counted(3000, 60_000)),
        (Counted(20, 29), Counted(0, 60_000)),
    ],
)
def test_small_numbers_are_insufficient_and_say_nothing(stratum, anchor):
    assert rate_gap(stratum, anchor, LIMIT).state == "insufficient"


def test_a_gap_that_is_plain_is_exceeded_long_before_the_interval_is_narrow():
    found = rate_gap(Counted(40, 60), Counted(1000, 20_000), LIMIT)
    assert found.state == "exceeded"
    assert found.high - found.low > 2 * LIMIT


POOR = Calibration(detected=6000, positives=10_000, cleared=9500, negatives=10_000)
GOOD = Calibration(detected=9900, positives=10_000, cleared=9900, negatives=10_000)


def seen_by(classifier, rate):
    return points(rate * classifier.sensitivity + (1 - rate) * (1 - classifier.specificity), MANY, classifier)


def test_a_gap_made_by_the_classifiers_errors_alone_is_corrected_away():
    corrected = rate_gap(seen_by(POOR, 0.4), seen_by(GOOD, 0.4), LIMIT)
    raw = rate_gap(*(Counted(c.events, c.trials) for c in (seen_by(POOR, 0.4), seen_by(GOOD, 0.4))), LIMIT)
    assert (raw.state, raw.calibrated) == ("exceeded", False)
    assert corrected.calibrated
    assert abs(corrected.estimate) < 0.002
    assert corrected.low < 0 < corrected.high
    assert corrected.state != "exceeded"


def test_both_rates_are_corrected_or_neither():
    found = rate_gap(seen_by(POOR, 0.4), points(0.4), LIMIT)
    assert not found.calibrated
    assert found.estimate == pytest.approx(seen_by(POOR, 0.4).events / MANY - 0.4)


def test_a_classifier_that_says_nothing_does_not_count_as_calibrated():
    coin = Calibration(detected=5, positives=10, cleared=5, negatives=10)
    assert not rate_gap(points(0.3, calibration=coin), points(0.3, calibration=GOOD), LIMIT).calibrated


def test_few_labelled_answers_widen_the_interval():
    few = Calibration(detected=27, positives=30, cleared=28, negatives=30)
    many = Calibration(detected=2700, positives=3000, cleared=2800, negatives=3000)
    wide, narrow = (rate_gap(points(0.3, calibration=c), points(0.2, calibration=GOOD), LIMIT) for c in (few, many))
    assert wide.high - wide.low > narrow.high - narrow.low + 0.05


def test_the_drift_of_a_gap_is_the_gap_minus_the_baselines():
    live, reference = (rate_gap(points(rate), points(0.05), LIMIT) for rate in (0.14, 0.06))
    estimate, low, high = gap_drift(live, reference)
    assert estimate == pytest.approx(0.08)
    assert low < estimate < high
    assert (low, high) == (live.low - reference.high, live.high - reference.low)


def test_the_interval_holds_at_every_look_in_nineteen_of_twenty_streams():
    rng = np.random.default_rng(11)  # 60 streams of a true gap of 8 points, looked at 15 times each
    missed = 0
    for _ in range(60):
        counts = np.cumsum(rng.binomial(80, [0.13, 0.05], (15, 2)), axis=0)
        looks = [
            rate_gap(Counted(int(k), n), Counted(int(a), n), LIMIT)
            for (k, a), n in zip(counts, range(80, 1280, 80), strict=True)
        ]
        missed += any(not look.low <= 0.08 <= look.high for look in looks)
    assert missed <= 3


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=2, max_size=2))
def test_whatever_the_counts_the_interval_holds_the_estimate(counts):
    stratum, anchor = (Counted(min(pair), max(pair)) for pair in counts)
    found = rate_gap(stratum, anchor, LIMIT)
    assert found.state in GAP_STATES
    assert -1 <= found.low <= found.high <= 1
    assert math.isnan(found.estimate) or found.low - 1e-9 <= found.estimate <= found.high + 1e-9


def test_impossible_counts_and_limits_are_named():
    with pytest.raises(ValueError, match="got 3 of 2"):
        Counted(3, 2)
    with pytest.raises(ValueError, match=r"got 1\.5 and 0\.05"):
        rate_gap(points(0.1), points(0.1), 1.5)
