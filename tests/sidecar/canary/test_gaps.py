"""Gaps: their states at the edges, and intervals that hold what they promise."""

import random

import numpy as np
import pytest

from sidecar.canary.gaps import THRESHOLD, gap


@pytest.mark.parametrize(
    ("counts", "state", "confirmed"),
    [
        ((898, 99, 0, 3), "ok", False),  # 9.9 points
        ((896, 101, 0, 3), "exceeded", False),  # 10.1 points
        ((900, 100, 0, 0), "ok", False),  # 10 points are not more than 10
        ((9000, 1200, 0, 0), "exceeded", True),  # 11.8
        ((7, 1, 0, 0), "insufficient_n", False),
        ((10, 0, 0, 0), "insufficient_n", False),
        ((0, 0, 0, 10), "insufficient_n", False),
        ((3, 0, 0, 0), "insufficient_n", False),
        ((0, 10, 0, 0), "exceeded", True),
        ((0, 5, 0, 0), "insufficient_n", False),
        ((0, 0, 3, 0), "insufficient_n", False),
        ((100, 0, 0, 0), "ok", False),
        ((94, 6, 0, 0), "ok", False),
        ((54, 6, 0, 0), "watch", False),
        ((90, 0, 10, 0), "ok", False),  # better the second way
    ],
)
def test_the_state_of_a_gap(counts, state, confirmed):
    measured = gap(*counts)
    assert (measured.state, measured.confirmed) == (state, confirmed)


def test_the_estimate_and_what_is_detectable():
    measured = gap(50, 15, 5, 30)
    assert measured.points == pytest.approx(0.10)
    assert measured.pairs == 100
    # Ten points need 157 pairs of which one in five flips: (1.96 + 0.84)^2 * 0.2 / 0.1^2.
    assert gap(79, 16, 16, 46).detectable == pytest.approx(0.101, abs=0.001)
    assert -1 <= measured.low < measured.points < measured.high <= 1


def test_newcombes_own_example():
    """Newcombe (1998), table II, method 10 for the pairs 36, 12, 2, 0."""
    measured = gap(36, 12, 2, 0)
    assert measured.points == pytest.approx(0.2)
    assert measured.low == pytest.approx(0.0569, abs=0.002)
    assert measured.high == pytest.approx(0.3404, abs=0.002)


def test_how_a_pair_moves_together_is_corrected_for_small_numbers():
    """The same written another way: phi = (|ad - bc| - n/2) / sqrt(product of margins) where ad > bc."""
    both, first_only, second_only, neither = 20, 6, 2, 12
    n, p, q, z = 40, 26 / 40, 22 / 40, 1.959964

    def bounds(rate):
        roots = np.roots([1 + z * z / n, -(2 * rate + z * z / n), rate * rate])  # (rate - x)^2 = z^2 x (1 - x) / n
        return min(roots), max(roots)

    phi = (both * neither - first_only * second_only - n / 2) / np.sqrt(26 * 14 * 22 * 18)
    below, above = p - bounds(p)[0], bounds(q)[1] - q
    low = p - q - np.sqrt(below**2 - 2 * phi * below * above + above**2)
    assert gap(both, first_only, second_only, neither).low == pytest.approx(low, abs=1e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    rng = random.Random(5)
    held = 0
    for _ in range(2000):
        cells = [0, 0, 0, 0]
        for _ in range(40):
            cells[rng.choices((0, 1, 2, 3), (0.6, 0.2, 0.05, 0.15))[0]] += 1
        measured = gap(*cells)
        held += measured.low <= 0.15 <= measured.high
    assert held / 2000 > 0.93


@pytest.mark.parametrize("counts", [(0, 0, 0, 0), (-1, 2, 0, 0)])
def test_without_pairs_there_is_no_gap(counts):
    with pytest.raises(ValueError, match="at least one pair"):
        gap(*counts)


def test_the_threshold_is_ten_points():
    assert THRESHOLD == 0.10
