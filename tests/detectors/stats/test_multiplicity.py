"""A budget is shared out whole, and a list keeps its share of false entries."""

import numpy as np
import pytest

from detectors.stats.multiplicity import budget_shares, e_bh, e_value_of


def test_reference_list():
    assert e_bh([90, 45, 12, 1], 0.1).tolist() == [True, True, False, False]


def test_order_does_not_matter_and_nothing_may_be_named():
    assert e_bh([1, 12, 90, 45], 0.1).tolist() == [False, False, True, True]
    assert not e_bh([1, 2, 3], 0.1).any()
    assert e_bh([40, 40, 40], 0.05).all()


def test_shares_add_up_to_the_budget_in_proportion():
    shares = budget_shares(0.01, [1, 1, 2])
    assert shares.sum() == pytest.approx(0.01)
    assert shares[2] == pytest.approx(2 * shares[0])


def test_an_e_value_made_of_a_uniform_p_value_has_mean_one():
    p = (np.arange(1_000_000) + 0.5) / 1_000_000
    assert e_value_of(np.log(p)).mean() == pytest.approx(1, abs=2e-3)


def test_the_smallest_of_p_values_gives_a_number_still():
    e = e_value_of([-800.0, -5000.0, -np.inf])
    assert e[0] == pytest.approx(0.5 * np.exp(400.0))
    assert np.isfinite(e).all()
    assert (np.diff(e) >= 0).all()
    assert e_bh(e, 0.05).all()


def test_false_entries_stay_below_alpha():
    """400 lists of 40, 8 of them true at e = 500; the nulls are calibrated p-values. Expected share under .2."""
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(400):
        e = np.concatenate([e_value_of(np.log(rng.random(32))), np.full(8, 500.0)])
        named = e_bh(e, 0.2)
        assert named[32:].all()
        shares.append(named[:32].sum() / named.sum())
    assert np.mean(shares) < 0.2


@pytest.mark.parametrize("call", [lambda: e_bh([1.0], 0), lambda: e_bh([-1.0], 0.1), lambda: budget_shares(0.1, [0])])
def test_what_cannot_be_is_refused(call):
    with pytest.raises(ValueError, match="need 0 < alpha < 1"):
        call()
