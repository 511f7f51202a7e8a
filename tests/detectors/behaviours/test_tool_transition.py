import dataclasses
from collections import Counter

from scripted import ScriptedModel, seen

from detectors.behaviours.tool_transition import behaviour
from detectors.records.exchange import Exchange, Message, ToolEvent
from sidecar.demo.scenario import AFTER, BEFORE
from sidecar.demo.script import Script
from sidecar.demo.traffic import conversation


def steps(phase):
    model = ScriptedModel(Script(phases=(phase,)))
    talks = [(number, conversation(7, number)) for number in range(120)]
    exchanges = [
        exchange for number, talk in talks if talk.kind == "tools" for exchange in model.hold(talk, f"c{number}")
    ]
    return Counter(stratum for stratum, _ in seen(behaviour, exchanges))


def test_the_scripted_change_of_tools_moves_one_row_and_leaves_the_others():
    before, after = steps(BEFORE), steps(without_rules(AFTER))
    assert set(before) == {"start>search", "search>read_page", "read_page>answer"}
    assert set(after) == {"start>search", "search>send_email", "send_email>answer"}
    assert before["start>search"] == after["start>search"] > 10


def without_rules(phase):
    return dataclasses.replace(phase, rules=())


def test_the_cells_of_a_tool_are_one_row():
    assert {behaviour.row(cell) for cell in ("search>read", "search>answer", "search>other")} == {"search"}


def test_chat_without_tools_is_not_counted():
    talk = Exchange("chat", "x", output_messages=(Message("assistant", "Of course, here it is."),))
    assert seen(behaviour, [talk]) == []


def test_a_name_cannot_pretend_to_be_a_cell():
    call = Message("assistant", "", (ToolEvent("call", "a>b>c"),))
    exchange = Exchange("chat", "x", output_messages=(call,), tools_offered=("a>b>c",))
    ((stratum, _),) = seen(behaviour, [exchange])
    assert stratum == "start>a-b-c"


def test_parallel_calls_are_one_exit():
    calls = Message("assistant", "", (ToolEvent("call", "search"), ToolEvent("call", "read")))
    exchange = Exchange("chat", "x", output_messages=(calls,), tools_offered=("search",))
    assert seen(behaviour, [exchange]) == [("start>search", 1.0)]
