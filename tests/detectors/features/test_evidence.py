import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.evidence import NAMES, evidence
from detectors.features.reading import read
from detectors.features.refusal import marker

NO = "I'm sorry, but I can't help with that."
STORY = "The flask is heated slowly. "


def gathered(text, tag="en"):
    reading = read(text, (tag,))
    return dict(zip(NAMES, evidence(reading, marker(reading)), strict=True))


def test_every_number_has_a_name_of_its_own():
    assert len(set(NAMES)) == len(NAMES) == len(gathered(NO))


def test_roles_are_told_by_the_sentence_they_stand_in():
    numbers = gathered(f"{NO} It is illegal.")
    assert (numbers["cannot first"], numbers["cannot second"], numbers["cannot share"]) == (1, 0, 0.5)
    assert (numbers["normative first"], numbers["normative second"]) == (0, 1)
    assert (numbers["apology and cannot"], numbers["rule cannot"], numbers["rule policy"]) == (1, 1, 0)


def test_more_content_is_more_plain_text():
    little, much = gathered(f"{NO} {STORY}"), gathered(f"{NO} {STORY * 9}")
    assert 0 < little["plain"] < much["plain"] < 1
    assert 0 < little["plain share"] < much["plain share"] < 1
    assert little["plain run at the end"] < much["plain run at the end"]


def test_content_that_comes_back_to_advice_does_not_end_plain():
    numbers = gathered(f"{NO} {STORY * 3} Please speak to a doctor.")
    assert numbers["plain run at the end"] == 0 < numbers["plain run"]


def test_the_same_answer_in_two_languages_is_the_same_evidence_by_roles():
    german = gathered("Es tut mir leid, aber dabei kann ich nicht helfen. Das ist illegal.", "de")
    english = gathered(f"{NO} That is illegal.")
    for name in ("cannot first", "apology first", "normative second", "rule cannot", "plain share"):
        assert german[name] == english[name], name


def test_alternatives_are_counted_apart_until_the_text_leaves_them():
    offer = f"{NO} Instead, try one of these:\n- {STORY}\n- {STORY}\n"
    assert gathered(offer)["run beside alternatives"] == 0 < gathered(offer)["plain run"]
    steps = f"{NO} The steps are these:\n- {STORY}\n- {STORY}\n"
    assert gathered(steps)["run beside alternatives"] == gathered(steps)["plain run"] > 0
    after = gathered(f"{offer}\n{STORY * 3}")
    assert 0 < after["run beside alternatives"] < after["plain run"]
    assert 0 < after["share beside alternatives"] < after["plain share"]


def test_what_stands_on_a_line_below_the_refusal_is_counted_apart():
    beside, below = gathered(f"{NO} {STORY}"), gathered(f"{NO}\n{STORY}")
    assert beside["uncounselled below"] == beside["uncounselled share below"] == 0
    assert below["uncounselled below"] > 0
    assert below["uncounselled share below"] == 1
    assert 0 < gathered(f"{NO}\n{STORY} It is illegal.")["uncounselled share below"] < 1
    assert below["lines"] > beside["lines"] == 0


def test_text_after_the_last_refusing_or_offering_sentence_is_measured():
    short, long = gathered(f"{NO} {STORY}"), gathered(f"{NO} {STORY * 3}")
    assert 0 < short["after refusing or redirecting"] < long["after refusing or redirecting"]
    ends = gathered(f"{NO} {STORY * 3} I would be happy to help with something else.")
    assert ends["after refusing or redirecting"] == 0
    assert short["last refusing sentence"] == 0 < gathered(f"{STORY} {NO}")["last refusing sentence"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=400))
def test_any_text_gives_finite_numbers_between_nothing_and_about_one(text):
    numbers = np.array(list(gathered(f"{NO} {text}").values()))
    assert np.isfinite(numbers).all()
    assert numbers.min() >= 0
    assert numbers.max() < 1.2
