"""What a replica holds: bounded, in order, told again when asked, and carried over a restart."""

import pytest

from sidecar.fleet.held import KEPT_TICKS, Held


def held(*ticks, **more):
    made = Held(**more)
    for tick in ticks:
        made.add(tick, f"me {tick}", b"x" * 100)
    return made


def told(part_holder, count):
    for part in part_holder.untold(count):
        part.told = True


def test_the_oldest_are_told_first_and_what_is_left_bounds_how_far_it_goes():
    holder = held(9, 7, 8)
    assert [part.tick for part in holder.untold(2)] == [7, 8]
    told(holder, 2)
    assert holder.first_untold == 9


def test_at_most_so_many_bytes_are_told_at_once_and_at_least_one_part():
    assert len(held(1, 2, 3).untold(9, 150)) == 1
    assert len(held(1, 2, 3).untold(9, 10)) == 1


def test_past_its_room_the_oldest_go_and_only_those_that_were_not_told_are_counted():
    holder = held(1, 2, most_bytes=250)
    told(holder, 1)
    holder.add(3, "me 3", b"x" * 100)
    assert (len(holder), holder.dropped) == (2, 0)
    holder.add(4, "me 4", b"x" * 100)
    assert (len(holder), holder.dropped) == (2, 1)


def test_what_was_counted_long_ago_is_let_go_and_what_was_not_told_never():
    holder = held(*range(100))
    told(holder, 90)
    holder.counted(80)
    assert len(holder) == 100 - (80 - KEPT_TICKS)
    holder.tell_again()
    assert holder.first_untold == 80 - KEPT_TICKS


def test_what_was_not_told_goes_through_a_file_and_nothing_else_is_taken():
    holder = held(1, 2, 3)
    told(holder, 1)
    again = Held.from_bytes(holder.to_bytes())
    assert [(part.tick, part.field, part.data) for part in again.untold(9)] == [
        (2, "me 2", b"x" * 100),
        (3, "me 3", b"x" * 100),
    ]
    for other in (b"", b"7", b"[1]", b'[[1,"a"]]', b'[["x","a","b"]]', b'[[1,"a","%"]]'):
        with pytest.raises(ValueError):
            Held.from_bytes(other)
