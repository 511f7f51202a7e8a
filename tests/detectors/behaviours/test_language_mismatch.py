import pytest
from scripted import ScriptedModel, refusing, seen

from detectors.behaviours.language_mismatch import behaviour
from sidecar.demo.language import languages


def answered(asked_in, answered_in=""):
    model = ScriptedModel(refusing(language=answered_in))
    bodies = [
        {"messages": [{"role": "user", "content": f"{topic.ask} {topic.ask}"}]}
        for topic in languages()[asked_in].topics
    ]
    return set(seen(behaviour, [model.exchange(body, f"c{n}") for n, body in enumerate(bodies)]))


@pytest.mark.parametrize("tag", ["en", "de", "tr", "sw", "ru", "zh", "ja", "ar"])
def test_an_answer_in_the_language_of_the_question_is_none(tag):
    assert answered(tag) == {(tag, 0.0)}


@pytest.mark.parametrize("tag", ["de", "tr", "sw", "zh"])
def test_a_model_that_falls_back_to_english_is_filed_under_those_it_fails(tag):
    assert answered(tag, "en") == {(tag, 1.0)}


def test_code_and_single_words_have_no_language():
    model = ScriptedModel()
    body = {"messages": [{"role": "user", "content": "```for i in range(9): print(i)```"}]}
    assert seen(behaviour, [model.exchange(body, "c")]) == []
