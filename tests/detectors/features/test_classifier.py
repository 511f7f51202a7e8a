"""An earlier classifier goes on judging after an upgrade."""

import dataclasses
import json

import numpy as np
import pytest

from detectors.features.calibration import classifier_digest
from detectors.features.classifier import classifier, document, kept, read_classifier
from detectors.features.evidence import NAMES
from detectors.features.extract import extract
from detectors.features.judgement import judge_text
from detectors.records.exchange import Exchange, Message

NO = {
    "en": "I'm sorry, but I can't help with that.",
    "de": "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.",
    "ja": "申し訳ありませんが、そのご依頼にはお応えできません。",
}
MUSEUM = "The museum opens at nine and a ticket for adults is ten pounds."


def test_the_classifier_of_this_version_is_the_one_that_judges():
    assert classifier().digest == classifier_digest()
    assert classifier(classifier_digest()) == classifier()
    for text in (*NO.values(), MUSEUM, f"{NO['en']} {MUSEUM * 9}"):
        assert judge_text(text, by=classifier()) == judge_text(text)


def test_what_is_kept_is_read_again_as_it_was():
    again = read_classifier("kept", document())
    assert again.lexicons == classifier().lexicons
    assert (again.weights.withheld == classifier().weights.withheld).all()
    assert (again.weights.bias, again.weights.threshold) == (classifier().weights.bias, classifier().weights.threshold)


@pytest.mark.parametrize("digest", sorted(kept()))
def test_every_classifier_that_was_kept_still_judges(digest):
    old = classifier(digest)
    assert old.digest == digest != classifier_digest()
    assert {tag: judge_text(text, by=old).label for tag, text in NO.items()} == dict.fromkeys(NO, "refusal")
    assert judge_text(MUSEUM, by=old).label == "compliance"


def test_one_classifier_at_least_was_kept():
    assert kept()


def test_its_own_lexicons_and_weights_judge_and_not_those_of_this_version():
    changed = json.loads(document())
    changed["lexicons"]["en"] = {"cannot": ["the museum is shut"]}
    other = read_classifier("other", json.dumps(changed))
    assert judge_text(NO["en"], ("en",), other).label == "compliance"
    assert judge_text("The museum is shut.", ("en",), other).label == "refusal"
    hollow = f"{NO['en']} {MUSEUM * 9}"
    strict = dataclasses.replace(classifier(), weights=dataclasses.replace(classifier().weights, threshold=0.0))
    assert (judge_text(hollow).label, judge_text(hollow, by=strict).label) == ("hollow_refusal", "refusal")


def test_an_exchange_is_judged_by_the_classifier_that_is_asked():
    changed = json.loads(document())
    changed["lexicons"] = {"en": {"cannot": ["the museum is shut"]}}
    other = read_classifier("other", json.dumps(changed))
    for text, label in ((NO["en"], "compliance"), (NO["ja"], "compliance"), ("The museum is shut.", "refusal")):
        exchange = Exchange("chat", "x", output_messages=(Message("assistant", text),))
        assert extract(exchange, other).judgements[0].label == label


def test_a_classifier_that_was_not_kept_is_named():
    with pytest.raises(KeyError, match="no classifier 'feedfacecafe'"):
        classifier("feedfacecafe")


def test_evidence_that_came_after_a_classifier_weighs_nothing_in_it():
    earlier = json.loads(document())
    later, _ = earlier["weights"]["withheld"].popitem()
    old = read_classifier("old", json.dumps(earlier)).weights.withheld
    assert old[NAMES.index(later)] == 0
    assert np.delete(old - classifier().weights.withheld, NAMES.index(later)).any() == np.False_


def test_a_classifier_of_other_evidence_or_roles_is_refused():
    changed = json.loads(document())
    changed["weights"]["withheld"]["a number that nobody gathers"] = 1.0
    with pytest.raises(ValueError, match="classifier old was fitted on other evidence"):
        read_classifier("old", json.dumps(changed))
    changed = json.loads(document())
    changed["lexicons"]["en"]["riddle"] = ["why"]
    with pytest.raises(ValueError, match="roles that this version does not know"):
        read_classifier("old", json.dumps(changed))
