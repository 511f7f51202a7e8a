import pytest

from detectors.features.transitions import SeenTransitions, chain_looped, loops, transitions
from detectors.records.exchange import Exchange, Message, ToolEvent


def exchange(*results, calls=(), human_after=False):
    steps = (ToolEvent("result", name, parallel_group=group) for group, name in enumerate(results))
    asked = [Message("user", "go"), *(Message("tool", "", (step,)) for step in steps)]
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


def test_parallel_calls_of_one_tool_are_one_step():
    results = tuple(ToolEvent("result", "search", parallel_group=0) for _ in range(8))
    assert not loops(Exchange("chat", "x", input_messages=(Message("tool", "", results),)))


def test_a_chain_counts_once_where_it_first_loops_or_ends():
    looping = [chain_looped(exchange(*["search"] * n, calls=("search",))) for n in range(9)]
    assert looping == [None] * 6 + [True] + [None] * 2
    assert chain_looped(exchange("search", "read")) is False
    assert chain_looped(exchange(*["search"] * 7)) is None
    assert chain_looped(exchange()) is None


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
