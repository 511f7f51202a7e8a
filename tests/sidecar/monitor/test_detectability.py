"""What a baseline can show is worked out a little at a time, and belongs to that baseline."""

import math

from detectors.records.baseline import Baseline, Layer, Reference
from detectors.watch.rules import Rules
from sidecar.monitor.detectability import AT_A_TIME, Detectability

RULES = Rules()


def baseline(strata, trials=7000):
    references = tuple(
        Reference(
            "refusal_by_language",
            name,
            "m",
            (Layer(name, trials // 20, trials),),
            users=400.0,
            weight=1.0,
            odds_margin=1.1,
            over_dispersion=1.0,
            between_day_sd=math.nan,
        )
        for name in strata
    )
    times = {"collected_from_s": 0.0, "collected_to_s": 604800.0, "promoted_at_s": 604800.0}
    return Baseline(references, (), 60.0, 10080, 7, **times, classifier="c", counting=1)


def test_a_few_strata_are_worked_out_at_a_time_until_all_are_and_then_nothing_changes():
    strata, of = [f"l{number}" for number in range(AT_A_TIME + 2)], Detectability()
    used = baseline(strata)
    of.advance(used, RULES)
    assert [stratum for _, stratum, _ in of.shifts] == strata[:AT_A_TIME]
    for _ in strata:
        of.advance(used, RULES)
    assert [stratum for _, stratum, _ in of.shifts] == strata
    assert all(RULES.floor_at(0.05) < shift < 1 for shift in of.shifts.values())
    whole = of.shifts
    of.advance(used, RULES)
    assert of.shifts is whole


def test_another_baseline_begins_anew_and_none_leaves_nothing():
    of = Detectability()
    of.advance(baseline(["tr"]), RULES)
    large = of.shifts["refusal_by_language", "tr", "m"]
    of.advance(baseline(["tr"], trials=1000), RULES)
    assert of.shifts["refusal_by_language", "tr", "m"] > large
    of.advance(None, RULES)
    assert not of.shifts


def test_a_stratum_that_can_show_nothing_within_a_day_is_absent():
    of = Detectability()
    of.advance(baseline(["tr"], trials=20), RULES)
    assert not of.shifts
