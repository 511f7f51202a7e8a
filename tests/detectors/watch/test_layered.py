"""Strata that are counted language by language: compared so, and shown as one."""

import dataclasses

import pytest

from detectors.catalog import behaviours
from detectors.records.baseline import Layer
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.analysis import Analysis
from detectors.watch.rules import Rules

START = 19_000 * 86400.0
RULES = Rules(tick_s=60, floor=0.1, floor_relative=1, learn_days=1, learn_trials=500)
REFUSED = {"en": 20, "tr": 4}
"""One in so many."""


def asked(analysis, from_s, count, languages):
    """A request a second, in each language in turn."""
    for number in range(count):
        language, at_s, name = languages[number % len(languages)], from_s + number, f"{from_s} {number}"
        value = float(number // len(languages) % REFUSED.get(language, 4) == 0)
        sighting = Sighting(name, "m", at_s, 1, f"u{number % 500}", language=language)
        analysis.observe(sighting, [Observation("refusal_by_app", "shop", value, name, sighting.user, at_s)])
        analysis.close(at_s, at_s)


@pytest.fixture
def learned():
    analysis = Analysis(behaviours(), RULES, "digest")
    asked(analysis, START, 3600, ("en", "en", "en", "tr"))
    return analysis


def shop(analysis):
    (found,) = [one for one in analysis.verdicts() if one.behaviour == "refusal_by_app"]
    return found


def test_a_stratum_is_learned_language_by_language_and_shown_as_one(learned):
    assert (shop(learned).stratum, shop(learned).n_current) == ("shop", 3540)
    assert learned.learning.most_trials == 3540
    assert learned.ready
    (reference,) = learned.promote(START + 3600).references
    assert reference.stratum == "shop"
    assert [(layer.stratum, layer.trials) for layer in reference.layers] == [("shop|en", 2655), ("shop|tr", 885)]
    assert reference.rate == pytest.approx(0.75 / 20 + 0.25 / 4, abs=0.01)


def test_another_mix_is_no_drift_and_a_drift_in_one_language_is(learned):
    learned.promote(START + 3600)
    asked(learned, START + 4000, 1800, ("en", "tr", "tr", "tr"))
    assert list(learned.alarms) == []
    assert shop(learned).difference == pytest.approx(0, abs=0.02)
    assert "points by another mix" in shop(learned).explanation
    for number in range(600):
        name, at_s = f"drift {number}", START + 6000 + number
        value = float(number % 2 == 0)
        sighting = Sighting(name, "m", at_s, 1, f"u{number}", language="tr")
        learned.observe(sighting, [Observation("refusal_by_app", "shop", value, name, sighting.user, at_s)])
        learned.close(at_s, at_s)
    assert [(alarm.verdict.behaviour, alarm.verdict.stratum) for alarm in learned.alarms] == [
        ("refusal_by_app", "shop")
    ]
    assert learned.alarms[0].examples


def test_a_language_that_the_baseline_does_not_know_has_nothing_to_be_compared_with(learned):
    learned.promote(START + 3600)
    asked(learned, START + 4000, 1800, ("xx",))
    assert list(learned.alarms) == []
    assert (shop(learned).n_current, shop(learned).stratum) == (60, "shop")  # the tick in which it was promoted


def test_a_baseline_without_layers_is_judged_by_as_before(learned):
    baseline = learned.promote(START + 3600)
    (reference,) = baseline.references
    whole = dataclasses.replace(reference, layers=(Layer("shop", reference.events, reference.trials),))
    learned.use(dataclasses.replace(baseline, references=(whole,)))
    asked(learned, START + 4000, 600, ("en", "en", "en", "tr"))
    assert shop(learned).n_current > 500
    assert shop(learned).state == "in_control"
