"""Who has counted already is remembered for a while, and not without bound."""

import json

from detectors.watch.repeats import Repeats

HERE, THERE = ("refusal_by_length", "1", "m"), ("refusal_by_length", "2-3", "m")


def test_a_conversation_counts_in_each_stratum_once_within_the_time():
    repeats = Repeats(forget_after_s=600)
    assert [repeats.first("c", where, at_s) for where, at_s in ((HERE, 0), (THERE, 1), (HERE, 600), (HERE, 601))] == [
        True,
        True,
        False,
        True,
    ]
    assert repeats.first("other", HERE, 2)


def test_memory_is_bounded_and_whoever_was_first_is_forgotten_first():
    repeats = Repeats(forget_after_s=600, most=100)
    for number in range(150):
        assert repeats.first(f"c{number}", HERE, number)
    assert len(repeats) == 100
    assert repeats.first("c0", HERE, 150)
    assert not repeats.first("c149", HERE, 150)


def test_what_it_remembers_survives_json():
    repeats, again = Repeats(600), Repeats(600)
    repeats.first("c", HERE, 0)
    again.restore(json.loads(json.dumps(repeats.state())))
    assert not again.first("c", HERE, 1)
    assert again.first("c", THERE, 1)
