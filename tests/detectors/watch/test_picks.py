"""A conversation counts once in each length stratum, at a turn that nobody can foresee or move."""

from collections import Counter

import pytest

from detectors.features.length import STRATA
from detectors.watch.picks import STOP, is_picked, length_begins, picked_turn

CONVERSATIONS = [f"{number:016x}" for number in range(8000)]


@pytest.mark.parametrize("first", [2, 4, 8])
def test_each_turn_of_a_stratum_is_picked_equally_often(first):
    picked = Counter(picked_turn(conversation, first) for conversation in CONVERSATIONS)
    assert set(picked) == set(range(first, 2 * first))
    expected = len(CONVERSATIONS) / first
    assert all(abs(count - expected) < 5 * expected**0.5 for count in picked.values())


def test_a_long_conversation_counts_at_a_geometric_turn_from_the_sixteenth_on():
    picked = Counter(picked_turn(conversation, 16) for conversation in CONVERSATIONS)
    assert min(picked) == 16
    for turn in (16, 17, 20, 30):
        expected = len(CONVERSATIONS) * STOP * (1 - STOP) ** (turn - 16)
        assert abs(picked[turn] - expected) < 5 * expected**0.5


def test_a_conversation_of_a_hundred_turns_counts_once_in_each_stratum():
    for conversation in CONVERSATIONS[:200]:
        counted = [length_begins(turn) for turn in range(1, 101) if is_picked(conversation, turn)]
        assert counted[:4] == [1, 2, 4, 8]
        assert counted[4:] in ([16], [])


def test_its_strata_are_those_of_the_length_behaviour():
    begins = {"1": 1, "2-3": 2, "4-7": 4, "8-15": 8, "16+": 16}
    assert list(begins) == list(STRATA[:5])
    for name, first in begins.items():
        last = int(name.partition("-")[2] or first)
        assert length_begins(first) == length_begins(last) == first
