# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.folding import fold, readable


@pytest.mark.parametrize("apostrophe", "'’‘‛′ʼ`´＇")
def test_every_apostrophe_is_the_same(apostrophe):
    assert fold(f"can{apostrophe}t") == "can't"


@pytest.mark.parametrize("spelling", ["não", "NÃO", unicodedata.normalize("NFD", "não"), "nao"])
def test_diacritics_and_case_do_not_matter(spelling):
    assert fold(spelling) == "nao"


def test_vowel_signs_are_letters_and_stay():
    assert fold("नहीं") != fold("नह")
    assert fold("ไม่ได้") == unicodedata.normalize("NFC", "ไม่ได้")


def test_zero_width_characters_cannot_break_up_a_word():
    assert readable("ca\u200bn\u2060not") == "cannot"


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_any_text_folds_and_folding_twice_changes_nothing_readable(text):
    folded = fold(text)
    folded.encode("utf-8")
    assert all(character in "\t\n" or character >= " " for character in folded)


def test_letters_taken_apart_are_put_together_again():
    assert fold("\u110c\u116c\u1109\u1169\u11bc") == "죄송"
    assert fold("ka\u0301va") == "kava"
    assert fold("か\u3099") == "が"
