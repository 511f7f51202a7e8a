import pytest
from scripted import seen

from detectors.behaviours.tool_loop import behaviour
from detectors.records.exchange import Exchange, Message, ToolEvent


def chain(*steps, then="answer"):
    """The exchanges of one chain: every step's call, and the end."""
    history, exchanges = [Message("user", "Find me a quiet hotel in Lisbon.")], []
    for group, step in enumerate([*steps, None]):
        names = step.split("+") if step else []
        calls = tuple(ToolEvent("call", name, parallel_group=group) for name in names)
        answer = Message("assistant", "" if names else "Here it is: the hotel at the river.", calls)
        if names or then == "answer":
            exchanges.append(
                Exchange("chat", "x", input_messages=tuple(history), output_messages=(answer,), tools_offered=("a",))
            )
        results = tuple(ToolEvent("result", name, parallel_group=group) for name in names)
        history += [answer, Message("tool", "", results)]
    return exchanges


def values(*steps, **options):
    return [value for _, value in seen(behaviour, chain(*steps, **options))]


def test_a_chain_that_ends_in_an_answer_counts_once():
    assert values("search", "read") == [0.0]


def test_chat_is_no_chain():
    assert values() == []


@pytest.mark.parametrize("steps", [["search"] * 12, ["search", "read"] * 8, ["search"] * 6])
def test_a_chain_that_loops_counts_once_however_long_it_goes_on(steps):
    assert values(*steps) == [1.0]


def test_a_chain_that_is_stopped_before_it_loops_is_not_counted():
    assert values("search", "read", "search", then="nothing") == []


def test_many_parallel_calls_are_one_step_and_no_loop():
    assert values("+".join(["search"] * 8), "+".join(["read"] * 8)) == [0.0]
