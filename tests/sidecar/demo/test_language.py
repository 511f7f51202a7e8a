"""The texts of the scripted model, and finding the language of a prompt."""

import pytest

from sidecar.demo.language import language_of, languages

TAGS = sorted(languages())


def test_ten_languages_of_five_alphabets_can_be_spoken():
    assert TAGS == ["ar", "de", "en", "es", "fr", "ja", "ru", "sw", "tr", "zh"]


@pytest.mark.parametrize("tag", TAGS)
def test_every_question_is_recognised_as_its_language_with_a_number_behind_it_too(tag):
    for topic in (*languages()[tag].topics, *languages()[tag].follow_ups):
        assert language_of(topic.ask) == language_of(f"{topic.ask} (#4711)") == tag


@pytest.mark.parametrize("tag", TAGS)
def test_every_text_is_there_once_and_no_answer_contains_a_refusal(tag):
    language = languages()[tag]
    answers = [topic.answer for topic in (*language.topics, *language.follow_ups)]
    assert (len(language.topics), len(language.follow_ups)) == (4, 3)
    assert (len(set(language.refusals)), len(set(language.disclaimers)), len(set(answers))) == (4, 3, 7)
    for words in (*language.refusals, *language.disclaimers):
        assert words.strip() == words != ""
        assert not any(words in answer for answer in answers)


@pytest.mark.parametrize("tag", TAGS)
def test_a_known_question_gets_its_own_answer_whatever_is_drawn(tag):
    for topic in languages()[tag].topics:
        assert {languages()[tag].answer_to(f"{topic.ask} (#1)", draw) for draw in (0.0, 0.5, 0.999)} == {topic.answer}


def test_an_unknown_question_gets_each_answer_by_the_draw():
    english = languages()["en"]
    drawn = {english.answer_to("Who was Ada Lovelace?", step / 8) for step in range(8)}
    assert drawn == {topic.answer for topic in english.topics}


@pytest.mark.parametrize("text", ["", "42", "🙂", "\ud800", "x" * 100_000])
def test_text_without_a_language_is_taken_for_english(text):
    assert language_of(text) == "en"
