"""When a tick closes, what is left out of it, and which are not judged."""

import json

from detectors.watch.ticks import SILENT_TICKS, Ticks

ROW = ("refusal", "1", "m")


def ticks_with(*starts, tick_s=60.0, grace_s=600.0):
    ticks = Ticks(tick_s, grace_s)
    for number, at_s in enumerate(starts):
        ticks.at(at_s).add(ROW, None, str(number), None)
    return ticks


def closed(ticks, now_s, in_flight_since_s=None):
    return [
        (tick.index, tick.counts.trials.get(ROW, 0), tick.invalid) for tick in ticks.close(now_s, in_flight_since_s)
    ]


def test_a_tick_closes_when_nothing_that_began_in_it_is_in_flight():
    ticks = ticks_with(10, 70)
    assert closed(ticks, 100, in_flight_since_s=59) == []
    assert closed(ticks, 100, in_flight_since_s=61) == [(0, 1, None)]
    assert closed(ticks, 130, in_flight_since_s=130) == [(1, 1, None)]


def test_it_closes_after_the_grace_whatever_is_in_flight_and_what_ends_later_is_unfinished():
    ticks = ticks_with(10)
    assert closed(ticks, 659, in_flight_since_s=5) == []
    assert closed(ticks, 661, in_flight_since_s=5) == [(0, 1, None)]
    assert ticks.at(20) is None
    assert ticks.unfinished == 1


def test_before_the_first_closing_an_earlier_start_may_still_arrive():
    ticks = ticks_with(130, 10)
    assert [index for index, *_ in closed(ticks, 200, in_flight_since_s=200)] == [0, 1, 2]
    assert ticks.unfinished == 0


def test_ticks_without_traffic_close_too_but_a_long_silence_is_skipped():
    ticks = ticks_with(0, 300)
    assert [index for index, *_ in closed(ticks, 360, in_flight_since_s=360)] == [0, 1, 2, 3, 4, 5]
    later = 60 * (10 + SILENT_TICKS)
    ticks.at(later + 5).add(ROW, None, "late", None)
    assert closed(ticks, later + 60, in_flight_since_s=later + 60) == [(10 + SILENT_TICKS, 1, None)]


def test_a_tick_of_which_more_than_one_copy_in_two_hundred_was_lost_is_invalid_and_holds_nothing():
    ticks = ticks_with(10, 70)
    ticks.copied(30, 199, 1)
    ticks.copied(90, 198, 2)
    assert closed(ticks, 130, in_flight_since_s=130) == [(0, 1, None), (1, 0, "losses")]


def test_what_a_process_had_in_memory_when_it_died_is_invalid_and_what_begins_after_is_not():
    ticks = ticks_with(10, 70, 130)
    ticks.forgot(100)
    assert closed(ticks, 200, in_flight_since_s=200) == [(0, 0, "restart"), (1, 0, "restart"), (2, 1, None)]


def test_open_ticks_survive_json_where_they_are_asked_for():
    ticks, whole, part = ticks_with(10, 70), Ticks(60, 600), Ticks(60, 600)
    whole.restore(json.loads(json.dumps(ticks.state(whole=True))))
    part.restore(json.loads(json.dumps(ticks.state(whole=False))))
    assert closed(whole, 130, in_flight_since_s=130) == [(0, 1, None), (1, 1, None)]
    assert closed(part, 130, in_flight_since_s=130) == []
