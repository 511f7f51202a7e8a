"""Windows are counted exactly, for ever, in memory that does not grow."""

import numpy as np
import pytest

from detectors.stats.prefix_counts import PrefixCounts
from detectors.stats.windows import plan


@pytest.mark.parametrize("period", [1, 7, 100, 1500])
def test_every_window_that_falls_due_holds_the_counts_of_its_blocks(period):
    rng = np.random.default_rng(11)
    history = rng.integers(0, 9, 3 * period + 20)
    counts = PrefixCounts(plan(1, period), (1,))
    for closed, block in enumerate(history, 1):
        counts.append(np.array([block]))
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


def test_a_month_of_minutes_keeps_less_than_two_kilobytes():
    assert PrefixCounts(plan(1, 43_200), (2,)).kept.nbytes < 2_000
