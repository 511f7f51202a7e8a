import pytest
from scripted import measured

from detectors.behaviours.response_length import behaviour
from detectors.features.exceedances import exceedances
from detectors.features.extract import extract
from detectors.records.exchange import Exchange, Message, ToolEvent

YES = "Slide a thin card between the bolt and its plate, and lift the bolt."
NO = "I'm sorry, but I can't help with that."


def exchange(text, **fields):
    message = text if isinstance(text, Message) else Message("assistant", text)
    return Exchange("chat", "x", output_messages=(message,), turns=5, **fields)


def test_it_is_the_characters_of_an_answer_that_complies():
    assert measured(behaviour, [exchange(f" {YES}\n")]) == [("4-7", float(len(YES)))]


@pytest.mark.parametrize(
    "other",
    [
        exchange(NO),
        exchange(YES, truncated=True),
        exchange(YES, ended="client_aborted"),
        exchange(Message("assistant", "", (ToolEvent("call", "search"),))),
        Exchange("chat", "x", status=500),
    ],
)
def test_refusals_cut_copies_calls_and_errors_have_no_length(other):
    assert measured(behaviour, [other]) == []


def test_against_thresholds_it_becomes_one_observation_a_quantile():
    answer = exchange(YES)
    (measurement,) = behaviour.measure(answer, extract(answer))
    seen = list(exceedances(measurement, {0.5: 10.0, 0.9: float(len(YES)), 0.99: 1000.0}))
    assert [(one.stratum, one.value) for one in seen] == [("4-7:q50", 1.0), ("4-7:q90", 0.0), ("4-7:q99", 0.0)]
    assert {one.feature for one in seen} == {"response_length"}
