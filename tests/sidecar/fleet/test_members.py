"""For whom a tick waits."""

from dataclasses import replace

from detectors.watch.rules import Rules
from sidecar.fleet.members import Member, complete_until, waited_for

RULES = Rules(tick_s=60, grace_s=600)
NOW = 60_000.0
ONE = Member("i", "a", "", 990, "before", NOW, NOW, 0)


def test_a_silent_replica_is_waited_for_as_long_as_the_grace_and_no_longer():
    silent = replace(ONE, incarnation="b", until=985, heard_s=NOW - 599)
    assert complete_until(waited_for([ONE, silent], NOW, RULES), NOW, RULES) == 985
    silent = replace(silent, heard_s=NOW - 601)
    assert complete_until(waited_for([ONE, silent], NOW, RULES), NOW, RULES) == 990


def test_the_process_before_of_a_replica_is_not_waited_for():
    before = replace(ONE, incarnation="before", until=985, after="")
    assert waited_for([before, ONE], NOW, RULES) == [ONE]


def test_two_replicas_of_one_name_are_both_waited_for():
    other = replace(ONE, incarnation="j", until=985, after="")
    assert waited_for([ONE, other], NOW, RULES) == [ONE, other]


def test_nobody_holds_the_fleet_up_for_ever():
    stuck = replace(ONE, incarnation="b", until=0)
    assert complete_until([ONE, stuck], NOW, RULES) == (NOW - 1200) // 60


def test_a_clock_that_is_ahead_counts_nothing_before_it_has_ended():
    assert complete_until([replace(ONE, until=5000)], NOW, RULES) == 1000
