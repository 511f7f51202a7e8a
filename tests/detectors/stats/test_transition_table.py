"""A changed or a new transition is found in its cell, and only there."""

import numpy as np
import pytest

from detectors.stats.transition_table import TransitionTable


def reference(rng, tools=5, conversations=1000):
    return np.stack([rng.multinomial(conversations, np.full(tools, 1 / tools)) for _ in range(tools)])


def test_a_transition_never_seen_in_the_reference_is_found():
    rng = np.random.default_rng(1)
    p = np.array([0.5, 0.5, 0.0])
    table = TransitionTable([rng.multinomial(2000, p)] * 3, 1000, 20)
    for _ in range(30):
        assert not table.update([rng.multinomial(20, p)] * 3).any()
    alarms = [
        table.update([rng.multinomial(20, p), rng.multinomial(20, [0.45, 0.45, 0.1]), [0, 0, 0]]) for _ in range(40)
    ]
    found = np.argwhere(np.any(alarms, axis=0)).tolist()
    assert found == [[1, 2]]


def test_fifteen_points_in_one_cell_are_found_in_that_row_only():
    rng = np.random.default_rng(2)
    table = TransitionTable(reference(rng), 2000, 16)
    moved = np.array([0.35, 0.1625, 0.1625, 0.1625, 0.1625])
    rows = [np.full(5, 0.2)] * 5
    assert not np.any([table.update([rng.multinomial(16, row) for row in rows]) for _ in range(100)])
    rows[3] = moved
    alarms = np.any([table.update([rng.multinomial(16, row) for row in rows]) for _ in range(60)], axis=0)
    assert alarms[3, 0]
    assert not np.delete(alarms, 3, axis=0).any()


def test_a_tool_that_the_reference_never_visited_is_not_tested():
    table = TransitionTable([[5, 5], [0, 0]], 100, 16)
    assert table.tested.tolist() == [[True, True], [False, False]]
    assert not any(table.update([[8, 8], [0, 16]])[1].any() for _ in range(50))
    assert np.isinf(table.log_p_over_threshold[1]).all()


def test_json_brings_it_back():
    table = TransitionTable([[50, 50], [10, 90]], 100, 16)
    for _ in range(2):
        table.update([[8, 8], [2, 14]])
    twin = TransitionTable.from_json(table.to_json())
    for _ in range(20):
        assert np.array_equal(twin.update([[14, 2], [2, 14]]), table.update([[14, 2], [2, 14]]))
    assert np.array_equal(twin.log_p_over_threshold, table.log_p_over_threshold)
    assert (table.log_p_over_threshold[0] <= 0).all()


@pytest.mark.parametrize("counts", [[1, 2], [[1, 2]], [[0, 0], [0, 0]]])
def test_a_reference_that_is_no_table_is_refused(counts):
    with pytest.raises(ValueError, match="need a square table"):
        TransitionTable(counts, 100, 16)
