# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
import re
import time

import pytest

from detectors.features.folding import fold
from detectors.features.languages import lexicon, tags
from detectors.features.lexicon import ROLES, Lexicon


def finds(phrase, text, *, spaced=True):
    return Lexicon("xx", cannot=(phrase,), spaced=spaced).gate.search(fold(text)) is not None


def test_alternatives_and_optional_words_are_as_written():
    assert finds("i (can't|won't) (really |)help", "I won’t really help")
    assert finds("i (can't|won't) (really |)help", "I can't help")
    assert not finds("i (can't|won't) (really |)help", "I might help")


def test_a_gap_stays_within_its_sentence_and_thirty_characters():
    assert finds("i can't …help", "I can't in good conscience help")
    assert not finds("i can't …help", "I can't go. They help")
    assert not finds("i can't …help", f"I can't {'x' * 31} help")


def test_a_tilde_takes_any_ending_and_an_underscore_one_word():
    assert finds("illegal~ _ acts", "illegally done acts")
    assert not finds("illegal~ _ acts", "illegal acts")


def test_a_phrase_starts_and_ends_at_a_words_edge_where_words_are_spaced():
    assert not finds("rat", "separate")
    assert finds("能", "不能帮", spaced=False)


def test_every_other_sign_stands_for_itself():
    assert finds("a.b", "a.b")
    assert not finds("a.b", "axb")


def test_a_lexicon_without_a_phrase_for_cannot_is_refused():
    with pytest.raises(ValueError, match="'xx' needs at least one phrase"):
        _ = Lexicon("xx", cannot=()).gate


@pytest.mark.parametrize("tag", sorted(tags()))
def test_every_lexicon_holds_every_role_and_only_signs_of_the_notation(tag):
    entry = lexicon(tag)
    assert entry.tag == tag
    for role in ROLES:
        phrases = getattr(entry, role)
        assert phrases or role == "idiom", role
        for phrase in phrases:
            assert phrase.count("(") == phrase.count(")"), phrase
            assert not re.search(r"[*+?\[\]{}\\^$]", phrase), phrase
            assert "|" not in re.sub(r"\([^()]*\)", "", re.sub(r"\([^()]*\)", "", phrase)), phrase


@pytest.mark.parametrize("tag", sorted(tags()))
def test_no_phrase_matches_nothing_at_all(tag):
    for role in ROLES:
        pattern = lexicon(tag).pattern(role)
        assert pattern is None or pattern.fullmatch("") is None, role


@pytest.mark.parametrize("tag", sorted(tags()))
def test_matching_is_linear_in_the_text(tag):
    """Ten times the text takes at most some thirty times as long, for the phrases' own beginnings."""

    def seconds(text):
        best = 1.0
        for _ in range(3):
            start = time.process_time()
            list(entry.gate.finditer(text))
            best = min(best, time.process_time() - start)
        return best

    entry = lexicon(tag)
    beginning = fold(re.split(r"[(|)…~_]", entry.cannot[0].lstrip("("))[0]) + " "
    assert seconds(beginning * 2000) < 30 * seconds(beginning * 200) + 0.002
