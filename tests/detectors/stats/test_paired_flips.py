"""Flips are evidence only when they go one way."""

from math import comb

import numpy as np
import pytest

from detectors.stats.paired_flips import log_e_value


@pytest.mark.parametrize(("b", "c"), [(7, 0), (11, 1), (14, 2), (16, 3), (18, 4)])
def test_the_reference_flips_are_the_first_that_fire(b, c):
    assert np.exp(log_e_value(b, c)) >= 20
    assert np.exp(log_e_value(b - 1, c)) < 20
    assert log_e_value(b, c) == pytest.approx(float(log_e_value(c, b)))


def test_as_many_either_way_are_evidence_for_no_change():
    assert log_e_value(20, 20) < 0
    assert log_e_value(0, 0) == 0


def test_its_mean_is_one_when_nothing_changed():
    """Exactly: over all 2^12 orders of 12 flips."""
    assert sum(comb(12, b) / 2**12 * np.exp(log_e_value(b, 12 - b)) for b in range(13)) == pytest.approx(1, rel=1e-12)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="need counts >= 0"):
        log_e_value(-1, 0)
