# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.folding import fold
from detectors.features.languages import tags
from detectors.features.reading import BODY, HEAD, read, read_on

REFUSAL = "I'm sorry, but I can't help with that."


def roles(text, *tags_):
    return [sorted(sentence.roles) for sentence in read(text, tags_ or ("en",)).sentences]


def test_roles_are_told_by_sentence():
    assert roles("I can't help with that. It is illegal. Is there anything else you need help with?") == [
        ["cannot"],
        ["normative"],
        ["redirect"],
    ]


def test_a_text_without_a_word_of_refusal_costs_no_sentences():
    assert read("The museum opens at nine. Tickets are ten pounds.", ("en",)).sentences == ()


def test_only_the_opening_is_read():
    assert read("The sun is out today. " * 24 + REFUSAL, ("en",)).sentences == ()


@pytest.mark.parametrize(
    "text",
    [
        'The clerk said, "I can\'t help with that" and left.',
        "The clerk said: “I can’t help with that” and left.",
        "Here is the old answer:\n> I can't help with that\n\nThe new one is better.",
        "The log shows:\n```\nI can't help with that\n```\nand nothing else.",
        "I can't wait to help with that.",
    ],
)
def test_words_that_are_not_the_models_own_play_no_role(text):
    assert not any("cannot" in sentence for sentence in roles(text))


@pytest.mark.parametrize("text", [f'"{REFUSAL}"', f"“{REFUSAL}”", '{"answer": "I can\'t help with that"}'])
def test_an_answer_that_is_a_quote_is_read(text):
    assert any("cannot" in sentence for sentence in roles(text))


def test_the_last_of_several_personas_is_read():
    calm = "The bridge was built in 1932 and is painted every seven years, top to bottom."
    assert roles(f"[Classic] {REFUSAL}\n[Other] {calm}") == []
    assert roles(f"[Classic] {calm}\n[Other] {REFUSAL} Ask me something else.") != []


def test_a_note_after_the_answer_is_no_persona():
    text = f"Answer: {REFUSAL}\n\nNote: the desk on the second floor is open from nine to five on weekdays."
    assert any("cannot" in sentence for sentence in roles(text))


def test_a_label_alone_does_not_hide_the_answer():
    assert any("cannot" in sentence for sentence in roles(f"[ChatBot]: {REFUSAL}"))


def test_two_lexicons_are_heard_at_once():
    assert any("cannot" in sentence for sentence in roles("我不能帮助您. I can't help with that.", "zh", "en"))


def test_reading_on_covers_the_body_and_cuts_nothing():
    text = REFUSAL + " The sun is out today." * 40 + ' He said, "it is illegal".'
    sentences = read_on(read(text, ("en",)))
    assert "".join(sentence.text for sentence in sentences) == text.lower()
    assert "normative" in sentences[-1].roles


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=600), st.sampled_from(sorted(tags())))
def test_any_text_can_be_read_and_no_sentence_is_invented(text, tag):
    reading = read(text, (tag,))
    assert len(reading.text) <= BODY
    assert sum(len(sentence.text) for sentence in reading.sentences) <= HEAD
    read_on(reading)


def test_a_word_of_counsel_that_comes_again_is_the_topic():
    text = (
        f"{REFUSAL} " + "The sun is out today. " * 24 + "The lawsuit went on. The lawsuit went on in the old town hall."
    )
    counselled = [sentence.text for sentence in read_on(read(text, ("en",))) if "counsel" in sentence.roles]
    assert counselled == [" the lawsuit went on."]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [REFUSAL, "It is illegal.", "Step one", "1.", "\n", " ", "…", "不能帮", "!", ' He said: "No way, never."']
        ),
        max_size=60,
    )
)
def test_reading_on_neither_loses_nor_repeats_a_character(pieces):
    text = REFUSAL + "".join(pieces)
    whole = "".join(sentence.text for sentence in read_on(read(text, ("en",))))
    assert whole == fold(text[:BODY])


@pytest.mark.parametrize("filler", ["\n", ". ", "1. ", "?! ", "。"])
def test_a_row_of_full_stops_is_read_in_linear_time(filler):
    """Measured: 2 ms; searched over and over it was 400 ms."""
    text = (REFUSAL + " " + filler * BODY)[:BODY]
    began = process_time()
    read_on(read(text, ("en",)))
    assert process_time() - began < 0.1
