"""Whatever is favoured, the parts sum to the budget."""

import numpy as np
import pytest

from detectors.stats.spending import EVEN, FAVOURING, Spending
from detectors.stats.windows import plan


@pytest.mark.parametrize("spending", [EVEN, FAVOURING, Spending(0.5, (100, 800), 0.3)])
@pytest.mark.parametrize("rate", [0.01, 1.0, 20.0, 5000.0])
@pytest.mark.parametrize("per_octave", [1, 2])
def test_the_shares_of_all_lengths_sum_to_one(spending, rate, per_octave):
    shares = spending.of_lengths(plan(1, 2000, per_octave), rate)
    assert shares.sum() == pytest.approx(1, abs=1e-12)
    assert (shares > 0).all()


def test_favoured_lengths_share_their_part_evenly():
    """Of the 21 lengths of 2,000 blocks of 50, seven hold 100 to 800 trials: 2, 3, 4, 6, 8, 11 and 16 blocks."""
    shares = Spending(0.7, (100, 800), 0.9).of_lengths(plan(1, 2000), 50)
    assert shares[1:8] == pytest.approx(0.9 / 7)
    assert np.delete(shares, range(1, 8)) == pytest.approx(0.1 / 14)


def test_where_every_window_or_none_is_favoured_all_is_even():
    for favoured in ((1, 10), (1, 1e9)):
        assert Spending(0.7, favoured).of_lengths(plan(1, 2000), 50).tolist() == [1 / 21] * 21


@pytest.mark.parametrize(
    "arguments",
    [
        {"g_share": 1.1},
        {"g_share": float("nan")},
        {"favoured_trials": (0, 5)},
        {"favoured_trials": (6, 5)},
        {"favoured_share": 1.0},
        {"favoured_share": 0.0},
    ],
)
def test_a_spending_that_cannot_be_is_refused(arguments):
    with pytest.raises(ValueError, match="need"):
        Spending(**arguments)
