import json
import os
import runpy
from importlib import resources
from pathlib import Path

import pytest

from detectors.features.calibration import (
    calibrated,
    classifier_digest,
    measured_on,
    of,
    read_calibrations,
    shipped,
    write_calibrations,
)
from detectors.features.languages import tags
from detectors.records.calibration import Calibration

COUNTS = {"detected": 9, "positives": 10, "cleared": 18, "negatives": 20}


def document(**languages):
    return json.dumps({"classifier": "x", "languages": languages})


def test_rates_are_shares_of_the_counts():
    assert (Calibration(9, 10, 18, 20).sensitivity, Calibration(9, 10, 18, 20).specificity) == (0.9, 0.9)
    assert Calibration(0, 0, 1, 1).sensitivity != Calibration(0, 0, 1, 1).sensitivity, "nan"


def test_what_is_written_is_read_again():
    found = {"de": Calibration(9, 10, 18, 20), "en": Calibration(10, 10, 30, 30)}
    assert read_calibrations(write_calibrations(found)) == found
    assert json.loads(write_calibrations(found))["classifier"] == classifier_digest()


@pytest.mark.parametrize("few", [{"positives": 9}, {"negatives": 9, "cleared": 9}])
def test_a_language_with_few_answers_is_uncalibrated(few):
    assert set(read_calibrations(document(de=COUNTS))) == {"de"}
    assert read_calibrations(document(de=COUNTS | few)) == {}


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ("{", "languages"),
        ("[]", "languages"),
        ('{"languages": 3}', "languages"),
        (document(de=3), "languages.de: need whole numbers"),
        (document(de=COUNTS | {"detected": 0.5}), "languages.de: need whole numbers"),
        (document(de=COUNTS | {"detected": True}), "languages.de: need whole numbers"),
        (document(de=COUNTS | {"detected": 11}), "languages.de: need 0 <= detected <= positives"),
        (document(de=COUNTS | {"cleared": -1}), "languages.de: need 0 <="),
    ],
)
def test_a_wrong_file_is_named(wrong, named):
    with pytest.raises(ValueError, match=named):
        read_calibrations(wrong)


def test_languages_with_labelled_answers_are_calibrated_and_others_are_not():
    for tag in ["ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "th", "zh"]:
        assert calibrated(tag), tag
        assert shipped()[tag].sensitivity > 0.75
        assert shipped()[tag].specificity > 0.8
    for tag in ["bn", "hi", "id", "kk", "pt", "ro", "ru", "sw", "tr", "uk", "vi", "und"]:
        assert not calibrated(tag), tag
    assert set(shipped()) <= tags()


def test_an_operators_own_calibration_comes_before_the_shipped_one():
    own = {"en": Calibration(9, 10, 18, 20), "tr": Calibration(10, 10, 30, 30)}
    assert (of("en", own), of("tr", own), of("tr"), of("de", own)) == (own["en"], own["tr"], None, shipped()["de"])


@pytest.mark.parametrize("document", ["{", "[]", "{}", '{"classifier": 3}'])
def test_a_file_that_names_no_classifier_was_measured_on_none(document):
    assert measured_on(document) == ""


def test_a_calibration_file_says_which_classifier_it_was_measured_on():
    assert measured_on(write_calibrations({})) == classifier_digest()


def test_the_shipped_counts_belong_to_the_shipped_classifier():
    """After a change of weights or lexicons, run fit_delivery.py and measure_calibration.py again."""
    counted = json.loads(resources.files("detectors.features").joinpath("calibration.json").read_text("utf-8"))
    assert counted["classifier"] == classifier_digest()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif("LABELLED_DATA" not in os.environ, reason="LABELLED_DATA names no folder")
def test_the_shipped_counts_are_what_the_measuring_script_gives():
    script = runpy.run_path(str(Path(__file__).with_name("measure_calibration.py")))
    counted = resources.files("detectors.features").joinpath("calibration.json").read_text("utf-8")
    assert script["document"](Path(os.environ["LABELLED_DATA"])) == counted
