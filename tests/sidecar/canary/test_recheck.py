"""Prompts asked again: which, in what order, and what becomes of those that get no answer."""

from dataclasses import replace

from sidecar.canary.case import Case
from sidecar.canary.conversation import User
from sidecar.canary.diagnosis import Alarm
from sidecar.canary.expect import Verdict
from sidecar.canary.expectation import Expect
from sidecar.canary.prober import Probe
from sidecar.canary.recheck import TRIES, Recheck

EXPECT = Expect.model_validate({"comply": True})


def probe(family, outcome="pass", at_s=1.0, suite="s", repeat=0):
    case = Case(suite, family, "", "en", 1, 0, "agentic", "single", EXPECT, (User("Do it."),))
    return Probe(case, repeat, Verdict(outcome, "x"), at_s)


def families(recheck):
    asked = []
    while then := recheck.next:
        asked.append((then.case.suite, then.case.family))
        recheck.done(then)
    return asked


def test_the_last_decided_answer_to_each_prompt_is_what_is_compared():
    earlier = [probe("a", "fail", 1), probe("a", "pass", 2), probe("a", "error", 3), probe("b", "inconclusive", 4)]
    recheck = Recheck(earlier, 10)
    assert recheck.planned == 1
    assert recheck.next is earlier[1]


def test_suites_take_turns_the_newest_first_and_no_more_than_so_many():
    earlier = [probe("a", at_s=1), probe("b", at_s=2), probe("c", at_s=3, suite="t"), probe("d", at_s=4, suite="t")]
    assert families(Recheck(earlier, 10)) == [("t", "d"), ("s", "b"), ("t", "c"), ("s", "a")]
    assert families(Recheck(earlier, 2)) == [("t", "d"), ("s", "b")]


def test_an_error_is_asked_again_later_and_given_up_in_the_end_and_an_open_answer_makes_no_pair():
    recheck = Recheck([probe("a", at_s=2), probe("b", at_s=1)], 10)
    asked = 0
    while then := recheck.next:
        asked += 1
        recheck.done(replace(then, verdict=Verdict("error" if then.case.family == "a" else "inconclusive", "x")))
    assert (asked, recheck.pairs) == (TRIES + 1, [])


def test_pairs_of_before_a_restart_are_not_asked_again():
    recheck = Recheck([probe("a"), probe("b")], 10)
    recheck.recall([probe("a", "fail", 9), probe("b", "error", 9), probe("z", at_s=9)])
    assert [(then.case.family, now.verdict.outcome) for then, now in recheck.pairs] == [("a", "fail")]
    assert families(recheck) == [("s", "b")]


def test_the_ladder_of_an_alarm_is_that_of_what_moved():
    def axis(behaviour, stratum):
        return Alarm(behaviour, stratum, "m", 1.0, 1.0).axis

    assert axis("refusal_by_length", "8-15") == "depth"
    assert axis("refusal_by_tool_sequence", "search>book") == "tools"
    assert axis("persistence_yield", "4-5") == "repeats"
    assert axis("refusal_by_language", "tr") == "language:tr"
    assert axis("refusal_by_language_and_length", "tr:4-7") == "language:tr"
    assert {
        axis("refusal_by_language", "und"),
        axis("refusal_by_language", "other"),
        axis("policy_block", "input"),
    } == {"any"}
