"""Whether requests name their users, and what is said of behaviours that need it."""

import json

from detectors.catalog import behaviours
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.analysis import Analysis
from detectors.watch.identities import Identities
from detectors.watch.rules import Rules

DAY, START = 86400.0, 19_000 * 86400.0
NEEDY = {behaviour.name: behaviour.strata for behaviour in behaviours() if behaviour.needs_identity}


def asked(analysis, from_s, hours, user):
    """A request a minute, each the second of its kind; ``user(number)`` is who asks."""
    for number in range(hours * 60):
        at_s, name = from_s + 60.0 * number, f"{from_s} {number}"
        sighting = Sighting(name, "m", at_s, 1, user(number))
        repeated = Observation("repeated_input", "all", float(number % 10 == 0), name, user(number), at_s)
        length = Observation("refusal_by_length", "1", float(number % 12 == 0), name, user(number), at_s)
        analysis.observe(sighting, [length, *([repeated] if user(number) else [])])
        analysis.close(at_s, at_s)


def states(analysis):
    return {(one.behaviour, one.stratum): one.state for one in analysis.verdicts() if one.behaviour in NEEDY}


def test_requests_that_name_nobody_make_every_stratum_that_needs_users_say_so():
    analysis = Analysis(behaviours(), Rules(), "digest")
    assert states(analysis) == {}
    asked(analysis, START, 3, lambda _: None)
    needy = {(name, stratum) for name, strata in NEEDY.items() for stratum in strata}
    assert states(analysis) == dict.fromkeys(needy, "no_user_key")
    explanations = {one.explanation for one in analysis.verdicts() if one.state == "no_user_key"}
    assert "repeated input, all: no request of the last day names its user, so nothing is counted" in explanations
    assert next(one for one in analysis.verdicts() if one.behaviour == "refusal_by_length").state == "no_baseline"


def test_one_named_user_a_day_is_enough_and_a_day_without_any_is_said_again_though_a_baseline_is_in_use():
    analysis = Analysis(behaviours(), Rules(floor=0.2, floor_relative=1), "digest")
    asked(analysis, START, 48, lambda number: f"u{number}")
    analysis.promote(START + 2 * DAY)
    assert states(analysis)["repeated_input", "all"] == "warming_up"
    asked(analysis, START + 2 * DAY, 20, lambda _: None)
    assert states(analysis)["repeated_input", "all"] == "warming_up"
    asked(analysis, START + 2.9 * DAY, 6, lambda _: None)
    assert states(analysis)["repeated_input", "all"] == "no_user_key"
    again = Analysis.from_json(analysis.to_json(), behaviours(), analysis.rules, "digest")
    assert states(again) == states(analysis)
    asked(analysis, START + 3.2 * DAY, 1, lambda number: f"u{number}")
    assert states(analysis)["repeated_input", "all"] != "no_user_key"


def test_a_night_without_requests_is_no_want_of_users():
    identities = Identities()
    identities.saw("m", 0.0, named=True)
    identities.saw("m", 100.0, named=False)
    assert identities.unnamed() == set()
    identities.saw("n", 3 * DAY, named=False)
    assert identities.unnamed() == {"n"}


def test_a_state_that_was_saved_before_this_was_asked_is_read_on():
    analysis = Analysis(behaviours(), Rules(), "digest")
    asked(analysis, START, 1, lambda _: None)

    saved = json.loads(analysis.to_json())
    del saved["identities"]
    again = Analysis.from_json(json.dumps(saved), behaviours(), Rules(), "digest")
    assert again.closed == analysis.closed
    assert states(again) == {}
