# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.folding import fold
from detectors.features.phrases import Phrasebook, phrase_pattern


def found(text, *, spaced=True, **phrases):
    return list(Phrasebook(phrases, spaced=spaced).find(fold(text)))


def finds(phrase, text, *, spaced=True):
    return bool(found(text, spaced=spaced, said=(phrase,)))


def test_alternatives_and_optional_words_are_as_written():
    assert finds("i (can't|won't) (really |)help", "I won’t really help")
    assert finds("i (can't|won't) (really |)help", "I can't help")
    assert not finds("i (can't|won't) (really |)help", "I might help")


def test_groups_within_groups_are_as_written():
    assert finds("sorry (to (hear|learn)|for you)", "sorry to learn")
    assert not finds("sorry (to (hear|learn)|for you)", "sorry to go")


def test_a_gap_stays_within_its_sentence_and_thirty_characters():
    assert finds("i can't …help", "I can't in good conscience help")
    assert not finds("i can't …help", "I can't go. They help")
    assert not finds("i can't …help", f"I can't {'x' * 31} help")


def test_a_tilde_takes_any_ending_and_an_underscore_one_word():
    assert finds("illegal~ _ acts", "illegally done acts")
    assert not finds("illegal~ _ acts", "illegal acts")


def test_a_phrase_starts_and_ends_at_a_words_edge_where_words_are_spaced():
    assert not finds("rat", "a sprat")
    assert not finds("rat", "rate")
    assert finds("rat", "a rat, b")
    assert finds("能", "不能帮", spaced=False)


def test_an_optional_beginning_may_be_missing_at_the_start_of_the_text():
    assert found("sorry, no", apology=("(i'm |)(_ |)sorry",)) == [(0, "apology")]


def test_every_other_sign_stands_for_itself():
    assert finds("a.b", "a.b")
    assert not finds("a.b", "axb")


def test_a_place_may_play_several_roles_and_each_is_told():
    said = found("Sorry to hear that", apology=("sorry",), sympathy=("sorry to hear",))
    assert said == [(0, "apology"), (0, "sympathy")]


def test_phrases_that_overlap_are_all_found():
    assert found("abcd", spaced=False, one=("abc",), other=("bcd",)) == [(0, "one"), (1, "other")]


def test_a_key_of_one_character_does_not_hide_longer_ones():
    book = {"short": ("我…走",), "long": ("我们不",)}
    assert found("我们不走", spaced=False, **book) == [(0, "short"), (0, "long")]


@pytest.mark.parametrize("phrase", ["…help", "~s", "(a|_b)c", "(a|b"])
def test_a_phrase_that_cannot_be_looked_up_is_refused(phrase):
    with pytest.raises(ValueError, match="a phrase"):
        Phrasebook({"said": (phrase,)}, spaced=False)


def test_no_phrases_are_found_nowhere():
    assert found("anything") == []
    assert phrase_pattern((), spaced=True).search("anything") is None


WORDS = st.lists(
    st.sampled_from(["i", "can't", "won't", "help", "you", "if", "he", "helps", "so.", "now"]), max_size=12
)


@settings(max_examples=200, deadline=None)
@given(WORDS.map(" ".join))
def test_the_keys_find_what_the_plain_pattern_finds(text):
    """Searching by key is only a quicker way: at each place the same phrases are found as by trying all there."""
    phrases = ("(i|he) (can't|won't) …help~", "if (you|i) _", "(so |)help")
    starts = {start for start, _ in Phrasebook({"said": phrases}, spaced=True).find(text)}
    sources = ["(?:i|he) (?:can't|won't) [^.\\n]{0,30}?help\\w{0,20}", r"if (?:you|i) \w{1,30}", "help"]
    plain = re.compile(rf"\b(?:{'|'.join(sources)})\b")
    assert starts == {start for start in range(len(text)) if plain.match(text, start)}
