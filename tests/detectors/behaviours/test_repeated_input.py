from scripted import ScriptedModel, seen

from detectors.behaviours.repeated_input import behaviour
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.traffic import TOOLS

ASK = "How do I open the lock of the garden shed without its key?"
OTHER = "Which train goes from Lisbon to Porto on a Sunday evening?"


def asked(*inputs, user="u", gap_s=60.0):
    model = ScriptedModel()
    bodies = [{"user": user, "messages": [{"role": "user", "content": text}]} for text in inputs]
    return seen(behaviour, [model.exchange(body, f"c{n}", n * gap_s) for n, body in enumerate(bodies)])


def test_of_those_who_come_back_it_counts_who_asks_the_same_again():
    assert asked(ASK, OTHER, ASK.lower()) == [("all", 0.0), ("all", 1.0)]


def test_a_first_input_cannot_repeat_anything_and_is_no_trial():
    assert asked(ASK) == []


def test_without_a_user_nothing_is_counted():
    assert asked(ASK, ASK, user="") == []


def test_after_more_than_an_hour_it_is_a_first_input_again():
    assert asked(ASK, ASK, gap_s=3601.0) == []


def test_the_steps_of_a_chain_of_tools_repeat_nothing():
    policy = Policy(tool_call=1.0, tool_chain=("search", "read_page"))
    model = ScriptedModel(Script(phases=(Phase(policy=policy),)))
    messages = [{"role": "user", "content": ASK}]
    exchanges = []
    for step in range(2):
        body = {"user": "u", "tools": TOOLS, "messages": list(messages)}
        exchanges.append(model.exchange(body, "c", float(step)))
        (call,) = exchanges[-1].output_messages[0].tool_events
        function = {"name": call.name, "arguments": "{}"}
        messages += [
            {"role": "assistant", "tool_calls": [{"id": call.call_id, "type": "function", "function": function}]},
            {"role": "tool", "tool_call_id": call.call_id, "content": "3 found"},
        ]
    assert seen(behaviour, exchanges) == []
