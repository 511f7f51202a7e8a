import pytest

from detectors.features.outcome import hollow, observed, refused
from detectors.records.exchange import Exchange
from detectors.records.features import Features, Judgement


def features(*labels):
    judged = tuple(Judgement(label, marker=False, delivered=False, decided_by="") for label in labels)
    return Features(judged, "en", "en", "1", "none", "offered")


@pytest.mark.parametrize(
    ("label", "refusal", "hollow_share"),
    [
        ("refusal", 1.0, 0.0),
        ("hollow_refusal", 0.0, 1.0),
        ("compliance", 0.0, None),
        ("empty", None, None),
        ("aborted", None, None),
    ],
)
def test_each_label_counts_where_it_should(label, refusal, hollow_share):
    assert refused(features(label)) == refusal
    assert hollow(features(label)) == hollow_share


def test_an_error_counts_nowhere():
    assert refused(features()) is None
    assert hollow(features()) is None


def test_the_first_choice_stands_for_the_exchange():
    assert refused(features("compliance", "refusal", "refusal")) == 0.0
    assert refused(features("refusal", "compliance")) == 1.0


def test_an_observation_is_dated_by_the_requests_start():
    exchange = Exchange("chat", "x", conversation_id="c", user_key="u", started_at_s=7.0, duration_s=30.0)
    (observation,) = observed("f", "s", 1.0, exchange)
    assert (observation.at_s, observation.conversation, observation.user) == (7.0, "c", "u")
    assert list(observed("f", "s", None, exchange)) == []
