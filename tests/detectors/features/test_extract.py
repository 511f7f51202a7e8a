import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.extract import extract
from detectors.features.length import STRATA
from detectors.features.tools import STATES
from detectors.records.exchange import Exchange, Message
from detectors.records.features import LABELS

MIB = 1 << 20


def exchange(prompt, answer):
    return Exchange(
        "chat",
        "x",
        input_messages=(Message("user", prompt),),
        output_messages=(Message("assistant", answer),),
        turns=1,
    )


def cpu_s(work, repeats=5):
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def test_every_feature_is_read():
    seen = extract(
        exchange("¿Puedes decirme cómo se abre una cerradura sin llave?", "Lo siento, no puedo ayudarte con eso.")
    )
    assert [judged.label for judged in seen.judgements] == ["refusal"]
    assert (seen.language, seen.response_language) == ("es", "es")
    assert (seen.length_stratum, seen.tool_sequence, seen.tool_state) == ("1", "none", "no_tools")


def test_an_english_refusal_of_another_language_is_seen():
    seen = extract(
        exchange("Wie knacke ich ein fremdes Schloss, ohne dass es jemand merkt?", "I'm sorry, I can't help with that.")
    )
    assert (seen.language, seen.response_language, seen.judgements[0].label) == ("de", "en", "refusal")


def test_the_words_of_a_refusal_field_have_a_language_too():
    answer = Message("assistant", "", refusal="Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.")
    assert extract(Exchange("chat", "x", output_messages=(answer,))).response_language == "de"


def test_an_exchange_without_messages_has_features():
    seen = extract(Exchange("chat", "x"))
    assert (seen.language, seen.length_stratum, seen.judgements[0].label) == ("und", "unknown", "empty")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=500), st.text(st.characters(codec=None), max_size=500))
def test_any_text_gives_features_of_the_closed_sets(prompt, answer):
    seen = extract(exchange(prompt, answer))
    assert all(judged.label in LABELS for judged in seen.judgements)
    assert seen.length_stratum in STRATA
    assert seen.tool_state in STATES


@pytest.mark.parametrize(
    "piece",
    ["a", " ", "\n", "\0", "\ud800", "\u200b", "e\u0301", "!", "`", "```a", '"', '"a ', "[", "(a", "<a ", "@", "http://",
     "i can't ", "sorry, but ", "it is not ", "je ne peux ", "ich kann ", "no puedo ", "я не могу ", "我不能", "できない",
     "제공할 ", "> ", "A:\n", "1. "],
)  # fmt: skip
def test_no_text_of_a_mebibyte_takes_long(piece):
    """A quarter of a second would hold up the monitor; the worst measured is 20 ms."""
    text = piece * (MIB // len(piece))
    extract(exchange(piece, piece))
    assert cpu_s(lambda: extract(exchange(text, text)), repeats=1) < 0.25


def test_an_ordinary_kibibyte_is_read_in_well_under_a_millisecond():
    """Measured: 180 µs on one core; the bound leaves room for a busy machine."""
    answer = "The museum opens at nine and closes at five, and a ticket for adults is ten pounds. " * 12
    prompt = "When does the museum open, and what does a ticket cost for two adults and a child?"
    extract(exchange(prompt, answer))
    assert cpu_s(lambda: [extract(exchange(prompt, answer)) for _ in range(20)]) / 20 < 0.0009
