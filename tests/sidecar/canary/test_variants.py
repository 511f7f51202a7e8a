"""Which model answers: what is a change, what still stands, and that it is known after a restart."""

import json

import pytest

from sidecar.canary.fingerprint import LEARN
from sidecar.canary.schedule import DAY_S
from sidecar.canary.variants import TOGETHER_S, Change, Variant, Variants

PROMPTS = tuple("abcdefgh")


def learned(variants, rounds=LEARN + 2, answer="usual", at_s=0.0):
    """So many rounds of answers, one every five minutes; when the last one came, and the changes found."""
    found = []
    for _ in range(rounds * len(PROMPTS)):
        at_s += 300
        variants.answered("m", "", at_s)
        found.append(variants.fingerprinted(variants.prompt, answer, at_s))
    return at_s, [change for change in found if change]


def test_the_first_model_is_no_change_and_another_name_or_build_is():
    variants = Variants()
    assert variants.answered("a", "", 0) is None
    assert variants.answered("a", "", 1) is None
    assert variants.answered("b", "", 2) == Change("declared", Variant("a"), Variant("b"), 2, 2, ("reply",))
    assert variants.answered("b", "x", 3) == Change("declared", Variant("b"), Variant("b", "x"), 3, 3, ("reply",))
    assert not variants.current(Variant("b"))
    assert variants.current(Variant("b", "x"))


def test_replicas_of_two_builds_are_one_change_and_both_stand():
    variants = Variants()
    found = [variants.answered("m", "xy"[at % 2], at * 300.0) for at in range(200)]
    assert [change.kind for change in found if change] == ["declared"]
    assert variants.current(Variant("m", "x"))
    assert variants.current(Variant("m", "y"))


def test_a_build_that_comes_back_after_more_than_a_day_is_a_change():
    variants = Variants()
    variants.answered("m", "x", 0)
    variants.answered("m", "y", 10)
    assert variants.answered("m", "x", 10 + 2 * DAY_S) is not None
    assert not variants.current(Variant("m", "y"))


def test_a_server_that_gives_every_reply_a_build_of_its_own_gives_none():
    variants = Variants()
    found = [variants.answered("m", f"fp-{at}", at * 60.0) for at in range(500)]
    assert len([change for change in found if change]) < 10
    assert variants.current(Variant("m", "fp-499"))
    assert len(json.dumps(variants.to_dict())) < 4000


def test_a_silent_change_is_found_within_a_round_and_what_was_said_before_is_stale():
    variants = Variants(PROMPTS)
    at_s, found = learned(variants)
    assert not found
    assert variants.state(at_s) == "same"
    changed_s, (change,) = learned(variants, 1, "another", at_s)
    assert (change.kind, change.before, change.after) == ("silent", Variant("m"), Variant("m", "", 1))
    assert change.since_s == at_s + 300
    assert variants.state(changed_s) == "silent_change"
    assert variants.state(changed_s + DAY_S) == "unknown"  # the one that came is being learned
    assert not variants.current(Variant("m"))
    assert variants.current(Variant("m", "", 1))
    later_s, found = learned(variants, answer="another", at_s=changed_s)
    assert not found
    assert variants.state(later_s + DAY_S) == "same"


def test_without_short_greedy_prompts_nothing_silent_is_claimed():
    variants = Variants()
    variants.answered("m", "", 0)
    assert variants.prompt is None
    assert not variants.hurry
    assert variants.state(1) == "unknown"


def test_another_digest_under_the_same_name_is_a_declared_change_of_all_replicas():
    variants = Variants(PROMPTS)
    for at in range(4):
        variants.answered("m", "xy"[at % 2], at)
    assert variants.declare("listing", "m", "aa", 5, 4) is None  # the first word
    assert variants.declare("listing", "m", "aa", 6, 5) is None
    assert variants.declare("listing", "m", "", 7, 6) is None
    assert variants.declare("operator", "", "zz", 7, 6) is None
    again = Variants(PROMPTS)
    again.restore(json.loads(json.dumps(variants.to_dict())))
    then_s = TOGETHER_S + 9  # the second replica was a change, whose sign this is none of
    change = again.declare("listing", "m", "bb", then_s, 8)
    assert change == Change("declared", Variant("m", "y"), Variant("m", "y", 1), then_s, 8, ("listing",))
    assert again.state(then_s + 1) == "declared_change"
    assert not again.current(Variant("m", "x"))
    assert again.current(Variant("m", "x", 1))
    assert again.answered("m", "x", then_s + 2) is None
    assert again.declare("listing", "n", "cc", then_s + 3, 11) is None  # of another name: the replies say so
    later_s = then_s + TOGETHER_S + 1
    assert again.declare("operator", "", "yy", later_s, 12).after == Variant("m", "x", 2)


def test_state_of_a_release_that_knew_no_digests_is_read():
    variants = Variants(PROMPTS)
    variants.answered("m", "", 0)
    older = {key: value for key, value in variants.to_dict().items() if key != "declared"}
    again = Variants(PROMPTS)
    again.restore(older)
    assert again.last == Variant("m")


def test_what_is_known_survives_a_restart_and_nonsense_is_refused():
    variants = Variants(PROMPTS)
    at_s, _ = learned(variants)
    variants.answered("other", "f", at_s)
    variants.answered("m", "", at_s + 1)
    again = Variants(PROMPTS)
    again.restore(json.loads(json.dumps(variants.to_dict())))
    assert again.to_dict() == variants.to_dict()
    assert (again.changed, again.last) == (variants.changed, variants.last)
    _, (change,) = learned(again, 1, "another", at_s + 10)
    assert change.after == Variant("m", "", 1)
    for nonsense in ({}, {**variants.to_dict(), "known": [[1]]}, {**variants.to_dict(), "builds": None}):
        with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
            Variants(PROMPTS).restore(nonsense)


def test_a_listing_and_the_fingerprint_of_replies_are_two_signs_of_one_change():
    variants = Variants(PROMPTS)
    variants.answered("m", "x", 0)
    variants.declare("listing", "m", "aa", 1, 0)
    first = variants.declare("listing", "m", "bb", 600, 1)
    assert (first.before, first.after, first.signs) == (Variant("m", "x"), Variant("m", "x", 1), ("listing",))
    second = variants.answered("m", "y", 900)
    assert (second.before, second.after) == (Variant("m", "x"), Variant("m", "y"))
    assert (second.kind, second.signs, second.since_s) == ("declared", ("listing", "reply"), 900)
    third = variants.answered("m", "z", 901)  # by a way that it has shown itself already: another one
    assert (third.before, third.signs) == (Variant("m", "y"), ("reply",))


@pytest.mark.parametrize(("wait_s", "together"), [(TOGETHER_S, True), (TOGETHER_S + 1, False)])
def test_a_listing_that_follows_replies_renames_nothing_within_the_hour(wait_s, together):
    variants = Variants(PROMPTS)
    variants.answered("m", "x", 0)
    variants.declare("listing", "m", "aa", 1, 0)
    variants.answered("m", "y", 10)
    change = variants.declare("listing", "m", "bb", 10 + wait_s, 10)
    assert change.signs == (("reply", "listing") if together else ("listing",))
    assert change.after == variants.last == Variant("m", "y", 0 if together else 1)
    assert change.before == Variant("m", "x" if together else "y")


def test_answers_that_moved_before_the_listing_says_so_are_a_declared_change_and_no_second_one():
    variants = Variants(PROMPTS)
    at_s, _ = learned(variants)
    variants.declare("listing", "m", "aa", at_s, at_s)
    changed_s, (silent,) = learned(variants, 1, "another", at_s)
    assert silent.signs == ("answers",)
    change = variants.declare("listing", "m", "bb", changed_s + 300, changed_s)
    assert (change.kind, change.signs) == ("declared", ("answers", "listing"))
    assert (change.before, change.after, change.since_s) == (silent.before, silent.after, silent.since_s)
    assert variants.state(changed_s + 301) == "declared_change"
    again = Variants(PROMPTS)
    again.restore(json.loads(json.dumps(variants.to_dict())))
    assert again.changed == change
    older = variants.to_dict()
    older["changed"] = older["changed"][:5]
    again.restore(older)
    assert again.changed.signs == ()
    assert again.changed.another("reply", again.changed.at_s)
