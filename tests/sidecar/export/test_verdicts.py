"""Verdicts as metrics: which states a stratum is shown in, how exact numbers are, and what is not made twice."""

import dataclasses

from detectors.records.verdict import Verdict
from sidecar.export.verdicts import UNDER_A_BASELINE, WITHOUT_ONE, Judged, VerdictCollector


def judged(verdicts):
    """Everything else empty."""
    empty = {"str": "", "int": 0, "float": 0.0, "bool": False}
    fields = {
        field.name: empty.get(str(field.type), {} if "Mapping" in str(field.type) else [])
        for field in dataclasses.fields(Judged)
    }
    return Judged(**{**fields, "verdicts": verdicts, "baseline_state": "in_use"})


def families(collector):
    return {family.name: family for family in collector.collect()}


def states(family, stratum):
    return {s.labels["state"]: s.value for s in family.samples if s.labels["stratum"] == stratum}


def test_a_stratum_is_shown_in_the_states_it_can_come_to_and_in_the_one_that_holds():
    tested = Verdict("b", "tested", "m", "watch", 0.0, "", baseline_id="id")
    blind = Verdict("b", "blind", "m", "no_user_key", 0.0, "", baseline_id="id")
    counted = Verdict("b", "counted", "m", "no_baseline", 0.0, "")
    small = Verdict("b", "small", "m", "undetectable", 0.0, "", baseline_id="id")
    family = families(VerdictCollector(lambda: judged([tested, blind, counted, small])))["kilter_state"]
    assert "out_of_control" in UNDER_A_BASELINE  # what alerts ask for must be there before it holds
    assert states(family, "tested") == {**dict.fromkeys(UNDER_A_BASELINE, 0.0), "watch": 1.0}
    assert states(family, "blind") == {**dict.fromkeys(UNDER_A_BASELINE, 0.0), "no_user_key": 1.0}
    assert states(family, "counted") == {**dict.fromkeys(WITHOUT_ONE, 0.0), "no_baseline": 1.0}
    assert states(family, "small") == {**dict.fromkeys(UNDER_A_BASELINE, 0.0), "undetectable": 1.0}
    assert all(sum(states(family, one).values()) == 1 for one in ("tested", "blind", "counted", "small"))


def test_what_a_stratum_could_show_is_there_while_it_is_known_and_made_anew_only_then():
    now = dataclasses.replace(judged([]), detectable={("b", "s", "m"): 1 / 30})
    collector = VerdictCollector(lambda: now)
    first = families(collector)["kilter_detectable_difference_ratio"]
    assert [(s.labels["stratum"], s.value) for s in first.samples] == [("s", 0.033333)]
    assert families(collector)["kilter_detectable_difference_ratio"] is first
    now = dataclasses.replace(now, detectable={})
    assert families(collector)["kilter_detectable_difference_ratio"].samples == []


def test_families_of_verdicts_are_made_anew_only_for_other_verdicts():
    one = Verdict("b", "s", "m", "in_control", 0.0, "", reference=1 / 3, baseline_id="id")
    verdicts, now = [one], judged([one])
    now = dataclasses.replace(now, verdicts=verdicts)
    collector = VerdictCollector(lambda: now)
    first = families(collector)
    assert families(collector)["kilter_state"] is first["kilter_state"]
    assert [s.value for s in first["kilter_rate_reference"].samples] == [0.333333]
    now = dataclasses.replace(now, verdicts=[dataclasses.replace(one, state="watch")])
    assert states(families(collector)["kilter_state"], "s")["watch"] == 1
