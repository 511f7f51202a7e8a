import pytest
from scripted import ScriptedModel, seen

from detectors.behaviours.refusal_after_tool_result import behaviour
from detectors.records.exchange import Exchange, Message, ToolEvent
from sidecar.demo.script import Phase, Policy, Rule, Script
from sidecar.demo.traffic import conversation

NO = "I'm sorry, but I can't help with that."


@pytest.mark.parametrize(
    ("steps", "stratum"), [(1, "1"), (2, "2-3"), (3, "2-3"), (4, "4-7"), (7, "4-7"), (8, "8+"), (300, "8+")]
)
def test_the_stratum_is_the_depth_of_the_chain(steps, stratum):
    history = [Message("user", "Find me a hotel.")]
    for group in range(steps):
        history.append(Message("tool", "3 found", (ToolEvent("result", "search", parallel_group=group),)))
    exchange = Exchange("chat", "x", input_messages=tuple(history), output_messages=(Message("assistant", NO),))
    assert seen(behaviour, [exchange]) == [(stratum, 1.0)]


def test_parallel_results_are_one_step():
    results = Message("tool", "", tuple(ToolEvent("result", name, parallel_group=0) for name in ("a", "b", "c")))
    exchange = Exchange("chat", "x", input_messages=(results,), output_messages=(Message("assistant", NO),))
    assert seen(behaviour, [exchange]) == [("1", 1.0)]


def test_a_scripted_agent_that_stops_after_its_second_result_is_found_there_and_not_before():
    usual = Policy(tool_call=1.0, tool_chain=("search", "read_page"))
    refusing = Rule(Policy(refusal=1.0, tool_call=1.0, tool_chain=usual.tool_chain), tool_state="after_result")
    model = ScriptedModel(Script(phases=(Phase(policy=usual, rules=(refusing,)),)))
    talks = [(number, conversation(7, number)) for number in range(60)]
    exchanges = [one for number, talk in talks if talk.kind == "tools" for one in model.hold(talk, f"c{number}")]
    assert set(seen(behaviour, exchanges)) == {("1", 0.0), ("2-3", 1.0)}
