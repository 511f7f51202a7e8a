import pytest

from detectors.features.transitions import SeenTransitions, loops, transitions
from detectors.records.exchange import Exchange, Message, ToolEvent


def exchange(*results, calls=(), human_after=False):
    asked = [Message("user", "go"), *(Message("tool", "", (ToolEvent("result", name),)) for name in results)]
    if human_after:
        asked.append(Message("user", "and now?"))
    answer = Message("assistant", "", tuple(ToolEvent("call", name) for name in calls))
    return Exchange("chat", "x", input_messages=tuple(asked), output_messages=(answer,))


def test_a_transition_leads_from_the_last_result_to_each_tool_called_now():
    assert transitions(exchange("search", "read", calls=("send", "log", "send"))) == (("read", "send"), ("read", "log"))
    assert transitions(exchange(calls=("search",))) == (("start", "search"),)
    assert transitions(exchange("search")) == (("search", "answer"),)


def test_a_new_human_turn_starts_again():
    assert transitions(exchange("search", calls=("read",), human_after=True)) == (("start", "read"),)


def test_what_the_server_ran_within_its_answer_is_no_step_of_the_agents():
    ran = Message("assistant", "", (ToolEvent("call", "web", origin="server"),))
    assert transitions(Exchange("chat", "x", output_messages=(ran,))) == (("start", "answer"),)


def test_one_tool_over_and_over_is_a_loop():
    assert not loops(exchange(*["search"] * 5))
    assert loops(exchange(*["search"] * 6))
    assert not loops(exchange(*["search"] * 6, "read"))


def test_two_tools_in_turn_are_a_loop():
    assert loops(exchange(*["search", "read"] * 4))
    assert not loops(exchange(*["search", "read"] * 3))
    assert not loops(exchange(*["search", "read"] * 3, "search", "send"))


def test_a_new_human_turn_ends_a_loop():
    assert not loops(exchange(*["search"] * 9, human_after=True))


def test_a_transition_is_new_once_for_each_model():
    seen = SeenTransitions()
    step = ("search", "send")
    assert [seen.first_seen("a", step), seen.first_seen("a", step), seen.first_seen("b", step)] == [True, False, True]


def test_nothing_is_new_to_a_full_memory():
    seen = SeenTransitions(most=2)
    assert [seen.first_seen("m", ("a", str(i))) for i in range(4)] == [True, True, False, False]


def test_a_memory_without_room_is_refused():
    with pytest.raises(ValueError, match="need most"):
        SeenTransitions(0)
