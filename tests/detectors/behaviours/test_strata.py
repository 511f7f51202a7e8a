"""Each refusal behaviour files an exchange where it belongs, and counts what it should."""

import pytest

from detectors.catalog import behaviours
from detectors.features.extract import extract
from detectors.records.exchange import Exchange, Message, ToolEvent

NO = "Es tut mir leid, aber dabei kann ich Ihnen nicht helfen."
YES = "Ein Kuchen braucht Mehl, Eier und Zucker. Rühre alles glatt und backe es eine Stunde bei 180 Grad."
HOLLOW = f"{NO} Hier sind die Schritte: {YES} {YES}"
HISTORY = (
    Message("user", "Bitte suche mir ein gutes Rezept für einen Kuchen und schicke es mir dann zu."),
    Message("assistant", "", (ToolEvent("call", "search", "1"),)),
    Message("tool", "", (ToolEvent("result", "search", "1"),)),
)


def observed(answer, **fields):
    output = () if answer is None else (Message("assistant", answer),)
    fields = {"turns": 5, "input_messages": HISTORY, "tools_offered": ("search",), "app": "shop", **fields}
    exchange = Exchange("chat", "x", output_messages=output, **fields)
    features = extract(exchange)
    watched = [behaviour for behaviour in behaviours() if "refusal" in behaviour.name]
    seen = (observation for behaviour in watched for observation in behaviour.observe(exchange, features))
    return {observation.feature: (observation.stratum, observation.value) for observation in seen}


def test_a_refusal_is_filed_under_every_question():
    assert observed(NO) == {
        "refusal_after_tool_result": ("1", 1.0),
        "refusal_by_app": ("shop", 1.0),
        "refusal_by_length": ("4-7", 1.0),
        "refusal_by_language": ("de", 1.0),
        "refusal_by_language_and_length": ("de:4-7", 1.0),
        "refusal_by_tool_sequence": ("search", 1.0),
        "refusal_by_tool_state": ("after_result", 1.0),
        "hollow_refusal": ("4-7", 0.0),
    }


def test_an_answer_in_another_language_stays_with_those_who_asked():
    seen = observed("I'm sorry, but I can't help you with that request.")
    assert seen["refusal_by_language"] == ("de", 1.0)


def test_a_hollow_refusal_is_no_refusal_and_stands_apart():
    seen = observed(HOLLOW)
    assert seen["hollow_refusal"] == ("4-7", 1.0)
    assert {value for feature, (_, value) in seen.items() if feature != "hollow_refusal"} == {0.0}


def test_an_answer_counts_in_the_rates_and_not_in_the_hollow_share():
    seen = observed(YES)
    assert "hollow_refusal" not in seen
    assert {value for _, value in seen.values()} == {0.0}
    assert len(seen) == 7


@pytest.mark.parametrize(
    ("answer", "fields"),
    [
        ("", {}),
        ("Es tut", {"ended": "client_aborted"}),
        (None, {"status": 429}),
        ("", {"signals": ("policy_block_output",)}),
    ],
)
def test_what_cannot_be_read_is_in_no_denominator(answer, fields):
    assert observed(answer, **fields) == {}
