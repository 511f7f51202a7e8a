"""A gap is what it is, and has moved only against what the baseline knows of both languages."""

import math

import pytest

from detectors.behaviours.language_gap import behaviour
from detectors.records.baseline import OVERALL, REST, Baseline, Layer, Reference
from detectors.watch.gaps import gaps
from detectors.watch.open_tick import TickCounts
from detectors.watch.totals import Totals

COUNTED = "refusal_by_language"


def reference(stratum, *layers, model="m"):
    parts = tuple(Layer(*layer) for layer in layers)
    return Reference(COUNTED, stratum, model, parts, 60.0, 1.0, 1.1, 1.0, math.nan)


def baseline(*references):
    return Baseline(references, (), 60.0, 100, 1, 0.0, 6000.0, 6000.0, classifier="c", counting=1)


def live(**rates):
    """2,000 trials of each language, by the model ``m``."""
    totals = Totals(lambda _, stratum: stratum)
    tick = TickCounts()
    for language, rate in rates.items():
        tick.trials[COUNTED, language, "m"] = 2000
        tick.events[COUNTED, language, "m"] = round(2000 * rate)
    totals.update(tick)
    return totals


USUAL = baseline(
    reference("en", ("en", 100, 2000)),
    reference("tr", ("tr", 200, 2000)),
    reference(REST, ("sw", 40, 400), ("de", 30, 300)),
    reference(OVERALL, ("en", 100, 2000), ("tr", 200, 2000), ("sw", 40, 400), ("de", 30, 300)),
)


def of(found, language):
    return next(one for one in found if one.stratum == language)


def test_a_gap_that_grew_says_by_how_much_with_an_interval_clear_of_nothing():
    tr = of(gaps([behaviour], live(en=0.05, tr=0.25), {}, USUAL), "tr")
    assert tr.gap.estimate == pytest.approx(0.2)
    assert tr.drift.estimate == pytest.approx(0.15)
    assert 0 < tr.drift.low < 0.15 < tr.drift.high


def test_a_gap_that_stayed_has_an_interval_around_nothing():
    tr = of(gaps([behaviour], live(en=0.05, tr=0.1), {}, USUAL), "tr")
    assert tr.gap.estimate == pytest.approx(0.05)
    assert tr.drift.estimate == pytest.approx(0)
    assert tr.drift.low < 0 < tr.drift.high


def test_a_language_too_small_to_be_tested_alone_is_compared_by_its_layer_and_counted_once():
    sw = of(gaps([behaviour], live(en=0.05, sw=0.4), {}, USUAL), "sw")
    assert sw.drift.estimate == pytest.approx(0.35 - 0.05)


@pytest.mark.parametrize(
    "known", [None, baseline(reference("en", ("en", 100, 2000)))], ids=["no baseline", "without it"]
)
def test_what_the_baseline_does_not_know_has_a_gap_and_no_drift(known):
    tr = of(gaps([behaviour], live(en=0.05, tr=0.25), {}, known), "tr")
    assert tr.gap.estimate == pytest.approx(0.2)
    assert math.isnan(tr.drift.estimate)


def test_a_new_version_answers_to_the_gap_of_the_only_model_that_is_known():
    old = baseline(reference("en", ("en", 100, 2000), model="old"), reference("tr", ("tr", 200, 2000), model="old"))
    assert of(gaps([behaviour], live(en=0.05, tr=0.25), {}, old), "tr").drift.estimate == pytest.approx(0.15)
    two = baseline(*old.references, reference("en", ("en", 1, 20), model="other"))
    assert math.isnan(of(gaps([behaviour], live(en=0.05, tr=0.25), {}, two), "tr").drift.estimate)
