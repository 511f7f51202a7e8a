"""Which observations are trials, by the rule that a behaviour names."""

import dataclasses

from detectors.records.behaviour import Behaviour
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.open_tick import OpenTick
from detectors.watch.picks import picked_turn
from detectors.watch.units import Units

DAY = 86400.0


def behaviour(name, **more):
    return Behaviour(name, "?", "", "", "", **more)


UNITS = (
    behaviour("language"),
    behaviour("sequence", unit_rule="conversation"),
    behaviour("repeated", unit_rule="user_day", needs_identity=True),
    behaviour("transition", unit_rule="conversation", row=lambda stratum: stratum.partition(">")[0]),
)


class Counting:
    def __init__(self):
        self.units = Units(UNITS)
        self.tick = OpenTick()

    def count(self, feature, stratum, sighting, value=0.0):
        seen = Observation(feature, stratum, value, sighting.conversation, sighting.user, sighting.at_s)
        return self.units.count(sighting, [seen], self.tick) == [feature]


def sighting(turn=1, at_s=0.0, **more):
    return Sighting("c0ffee", "m", at_s, turn, **more)


def test_a_long_conversation_counts_in_a_language_at_its_first_turn_and_at_each_pick():
    counting = Counting()
    counted = [turn for turn in range(1, 60) if counting.count("language", "tr", sighting(turn, 10.0 * turn))]
    assert counted == [picked_turn("c0ffee", first) for first in (1, 2, 4, 8, 16)]
    assert counting.units.left_out["not_picked"] == 59 - 5


def test_a_request_sent_again_is_no_new_trial():
    counting = Counting()
    assert [counting.count("language", "tr", sighting(at_s=at_s)) for at_s in (0, 1, 599, 601)] == [
        True,
        False,
        False,
        True,
    ]
    assert counting.units.left_out["repeat"] == 2


def test_a_chain_of_tools_counts_once_in_each_sequence_though_its_turn_stays_the_same():
    counting = Counting()
    strata = ("none", "search", "search>send", "search>send", "search")
    assert [counting.count("sequence", stratum, sighting(5, at)) for at, stratum in enumerate(strata)] == [
        True, True, True, False, False,
    ]  # fmt: skip


def test_of_a_choices_outcomes_a_conversation_counts_once_in_the_row():
    counting = Counting()
    assert counting.count("transition", "search>read", sighting(), 1.0)
    assert not counting.count("transition", "search>send", sighting(), 1.0)
    counts = counting.tick.counts()
    assert counts.trials == {("transition", "search", "m"): 1}
    assert counts.events == {("transition", "search>read", "m"): 1}


def test_a_user_counts_once_a_day_and_nobody_without_a_name():
    counting = Counting()
    days = [counting.count("repeated", "all", sighting(at_s=at_s, user="u")) for at_s in (10, DAY - 1, DAY + 1)]
    assert days == [True, False, True]
    assert not counting.count("repeated", "all", sighting())
    assert counting.units.left_out["no_user_key"] == 1


def test_what_cannot_be_told_to_be_one_conversation_counts_at_its_first_turn_only():
    counting = Counting()
    unknown = [
        dataclasses.replace(sighting(turn), conversation=f"random {turn}", recognised=False) for turn in (1, 2, 3)
    ]
    assert [counting.count("language", "tr", one) for one in unknown] == [True, False, False]
    assert counting.units.left_out["no_conversation_key"] == 2


def test_a_conversation_whose_history_is_elsewhere_counts_once_in_ten_minutes():
    counting = Counting()
    assert [counting.count("language", "tr", sighting(None, at_s)) for at_s in (0, 60, 700)] == [True, False, True]
