"""Drills by themselves: in which language, what is skipped, and that one fails where a stage of the monitor is broken."""

import dataclasses

import pytest

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.baseline import Baseline, Layer, Reference
from detectors.watch.analysis import Analysis
from detectors.watch.rules import Rules
from sidecar.monitor.drill import StoppedError, drills

RULES = Rules(tick_s=600.0, floor=0.05, floor_relative=1.0)


def reference(behaviour, stratum, *layers, users=400.0):
    return Reference(behaviour, stratum, "m", layers, users, 0.25, 1.05, 1.0, 0.01)


TURKISH = reference("refusal_by_language", "tr", Layer("tr", 300, 6000))
SWISS = reference("refusal_by_language", "gsw", Layer("gsw", 400, 8000))
FIRST = reference("refusal_by_length", "1", Layer("1|de", 200, 4000), Layer("1|en", 100, 2000))
LATER = reference("refusal_by_length", "4-7", Layer("4-7|en", 500, 9000))
HOLLOW = reference("hollow_refusal", "1", Layer("1|en", 90, 1500))


def baseline(*references):
    return Baseline(references, (), 600.0, 7 * 144, 7, 0.0, 7 * 86400.0, 8 * 86400.0, classifier_digest(), 1)


def run(*references, **more):
    return {one.behaviour: one for one in drills(baseline(*references), RULES, behaviours(), 1.7e9, **more)}


def test_the_largest_stratum_that_can_be_spoken_is_drilled_and_fires_as_promised():
    found = run(TURKISH, SWISS, FIRST, LATER, HOLLOW)
    assert {name: (one.stratum, one.language) for name, one in found.items()} == {
        "refusal_by_language": ("tr", "tr"),
        "hollow_refusal": ("1", "en"),
        "refusal_by_length": ("1", "de"),
    }
    for one in found.values():
        assert one.fired
        assert one.after_s <= one.promised_s
    assert found["hollow_refusal"].alert == "HollowRefusalRise"


def test_drills_say_the_same_every_time():
    assert run(TURKISH) == run(TURKISH)


def test_what_a_baseline_cannot_show_is_not_drilled():
    few = dataclasses.replace(TURKISH, users=5.0)
    tiny = reference("hollow_refusal", "1", Layer("1|en", 1, 9))
    assert run(few, tiny) == {}


def test_a_classifier_that_sees_no_refusal_does_not_fire(monkeypatch):
    monkeypatch.setattr("detectors.behaviours.refusal_by_language.refused", lambda _: 0.0)
    assert not run(TURKISH)["refusal_by_language"].fired


def test_observations_that_do_not_reach_the_analysis_do_not_fire(monkeypatch):
    monkeypatch.setattr(Analysis, "observe", lambda *_: None)
    assert not run(TURKISH)["refusal_by_language"].fired


def test_a_drill_ends_when_it_is_told_to():
    with pytest.raises(StoppedError):
        run(TURKISH, stopped=lambda: True)
