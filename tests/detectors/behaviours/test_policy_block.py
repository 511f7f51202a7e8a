import pytest
from scripted import ScriptedModel, refusing, seen

from detectors.behaviours.policy_block import behaviour
from detectors.records.exchange import Exchange, Message

YES = (Message("assistant", "Here you are: the museum opens at nine."),)


def blocked(*exchanges):
    return {stratum for stratum, value in seen(behaviour, exchanges) if value}


@pytest.mark.parametrize(
    ("signal", "stratum"),
    [
        ("policy_block_input", "input"),
        ("policy_block_output", "output"),
        ("model_refusal_structured", "structured"),
    ],
)
def test_each_way_of_blocking_is_counted_in_its_own_share(signal, stratum):
    exchange = Exchange("chat", "x", output_messages=YES, signals=(signal,))
    assert dict(seen(behaviour, [exchange])) == {"input": 0.0, "output": 0.0, "structured": 0.0, stratum: 1.0}


def test_a_block_that_is_sent_as_an_error_counts():
    assert blocked(Exchange("chat", "x", status=400, signals=("policy_block_input",))) == {"input"}


def test_an_overloaded_server_blocks_nobody_and_is_no_trial():
    assert seen(behaviour, [Exchange("chat", "x", status=503)]) == []


def test_the_scripted_models_refusal_field_is_seen_and_its_words_are_not():
    body = {"messages": [{"role": "user", "content": "Could you explain how bread rises in the oven?"}]}
    structured = ScriptedModel(refusing(refusal=1.0, structured=True)).exchange(body, "c")
    in_words = ScriptedModel(refusing(refusal=1.0)).exchange(body, "c")
    assert (blocked(structured), blocked(in_words)) == ({"structured"}, set())
