"""Windows are counted exactly, for ever, in memory that does not grow."""

import json

import numpy as np
import pytest

from detectors.stats.prefix_counts import PrefixCounts
from detectors.stats.windows import plan


@pytest.mark.parametrize("lengths_per_octave", [1, 2])
@pytest.mark.parametrize("period", [1, 7, 100, 1500])
def test_every_window_that_falls_due_holds_the_counts_of_its_blocks(period, lengths_per_octave):
    rng = np.random.default_rng(11)
    history = rng.integers(0, 9, 3 * period + 20)
    counts = PrefixCounts(plan(1, period, lengths_per_octave), (1,))
    for closed, block in enumerate(history, 1):
        counts.append(np.array([block]))
        if closed == period + 3:
            saved, counts = counts.state(), PrefixCounts(counts.plan, (1,))
            counts.restore(json.loads(json.dumps(saved)))
        due = counts.due()
        lengths = [counts.plan.lengths[i] for i in due]
        pairs = zip(counts.plan.lengths, counts.plan.strides, strict=True)
        expected = [w for w, g in pairs if w <= closed and closed % g == 0]
        assert lengths == expected
        assert counts.windows(due)[:, 0].tolist() == [history[closed - w : closed].sum() for w in lengths]


def test_totals_past_two_to_the_thirty_two_do_not_disturb_a_window():
    counts = PrefixCounts(plan(1, 10), (1,))
    for _ in range(9):
        counts.append(np.array([2**30]))
    counts.append(np.array([5]))
    assert counts.windows([0, 1])[:, 0].tolist() == [5, 5 + 2**30]
    assert counts.total[0] == 9 * 2**30 + 5


@pytest.mark.parametrize(("lengths_per_octave", "most"), [(2, 1_120), (1, 480)])
def test_a_month_of_minutes_keeps_few_totals_and_the_next_month_no_more(lengths_per_octave, most):
    """Events and trials of one layer, in bytes."""
    counts = PrefixCounts(plan(1, 43_200, lengths_per_octave), (2,))
    for _ in range(2 * 43_200):
        counts.append(1)
    assert most / 2 < counts.kept.nbytes <= most


def test_after_a_restart_it_needs_no_more_room():
    setup = plan(1, 200)
    counts = PrefixCounts(setup, (1,))
    for _ in range(500):
        counts.append(1)
    twin = PrefixCounts(setup, (1,))
    twin.restore(counts.state())
    for _ in range(2000):
        twin.append(1)
    assert len(twin.kept) <= len(counts.kept) + 4


def test_a_column_that_is_forgotten_starts_from_nothing_and_the_others_go_on():
    counts = PrefixCounts(plan(1, 10), (2, 2))
    for _ in range(5):
        counts.append(np.full((2, 2), 3))
    counts.forget(1)
    counts.append(np.full((2, 2), 3))
    assert counts.windows([1])[0].tolist() == [[6, 3], [6, 3]]
    assert counts.total.tolist() == [[18, 3], [18, 3]]
