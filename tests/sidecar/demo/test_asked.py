"""Reading a conversation out of both wire formats."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.demo import anthropic_messages, openai_chat
from sidecar.demo.asked import BadRequestError
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.tool_call import example

CALL = {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "search", "arguments": "{}"}}]}
CHAT_TOOLS = [{"type": "function", "function": {"name": "search"}}]
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "search", "input": {}}]}
RESULT_BLOCK = {"type": "tool_result", "tool_use_id": "c1", "content": "found"}


def human(text):
    return {"role": "user", "content": text}


def test_runs_of_human_messages_are_one_turn_and_tool_results_are_none():
    messages = [human("a"), human("b"), CALL, {"role": "tool", "tool_call_id": "c1", "content": "x"}]
    one = openai_chat.read({"messages": messages, "tools": CHAT_TOOLS})
    assert (one.turns, one.prompt, one.tool_state, one.calls_made) == (1, "a\nb", "after_result", 1)
    two = openai_chat.read({"messages": [*messages, {"role": "assistant", "content": "y"}, human("c")]})
    assert (two.turns, two.prompt, two.tool_state, two.calls_made) == (2, "c", "none", 0)


def test_both_formats_read_the_same_conversation_alike():
    chat = openai_chat.read(
        {
            "messages": [{"role": "system", "content": "s"}, human("Wie koche ich ein Ei?"), CALL, {"role": "tool"}],
            "tools": CHAT_TOOLS,
            "user": "ann",
        }
    )
    messages = anthropic_messages.read(
        {
            "system": "s",
            "messages": [human("Wie koche ich ein Ei?"), USE, {"role": "user", "content": [RESULT_BLOCK]}],
            "tools": [{"name": "search", "input_schema": {}}],
            "metadata": {"user_id": "ann"},
        }
    )
    for name in ("prompt", "language", "turns", "tools", "tool_choice", "tool_state", "calls_made", "user", "stream"):
        assert getattr(chat, name) == getattr(messages, name), name
    assert chat.language == "de"


def test_human_text_beside_a_tool_result_is_a_turn():
    both = {"role": "user", "content": [RESULT_BLOCK, {"type": "text", "text": "and now?"}]}
    read = anthropic_messages.read({"messages": [human("a"), USE, both]})
    assert (read.turns, read.prompt, read.tool_state) == (2, "and now?", "none")


@pytest.mark.parametrize(
    ("chat", "messages", "read"),
    [
        (None, None, "auto"),
        ("none", {"type": "none"}, "none"),
        ("required", {"type": "any"}, "required"),
        ({"type": "function", "function": {"name": "f"}}, {"type": "tool", "name": "f"}, "tool:f"),
    ],
)
def test_tool_choice_is_read_from_both_formats(chat, messages, read):
    assert openai_chat.read({"messages": [human("a")], "tool_choice": chat}).tool_choice == read
    assert anthropic_messages.read({"messages": [human("a")], "tool_choice": messages}).tool_choice == read


def test_arguments_fit_the_tools_schema():
    schema = {
        "type": "object",
        "properties": {
            "unit": {"enum": ["C", "F"]},
            "days": {"type": "integer"},
            "where": {"type": "object", "properties": {"city": {"type": "string"}}},
            "deep": {"type": "boolean"},
            "tags": {"type": "array"},
        },
    }
    assert example(schema) == {"unit": "C", "days": 1, "where": {"city": "sample"}, "deep": True, "tags": []}


KEYS = ["role", "content", "type", "text", "tool_calls", "function", "name", "parameters", "input_schema", "enum"]
WORDS = ["user", "assistant", "tool", "tool_use", "tool_result", "object", "function", "any"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
OBJECTS = st.lists(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=4), min_size=1, max_size=3)
BODIES = st.fixed_dictionaries(
    {"messages": OBJECTS | JSON},
    optional={
        "tools": OBJECTS | JSON,
        **dict.fromkeys(("tool_choice", "n", "seed", "user", "metadata", "stream_options", "stream", "model"), JSON),
    },
)
SCRIPT = Script(phases=(Phase(policy=Policy(tool_call=0.5, refusal=0.3)),))


@settings(max_examples=300, deadline=None)
@given(BODIES, st.sampled_from([openai_chat.FORMAT, anthropic_messages.FORMAT]))
def test_any_json_is_answered_or_refused_as_a_bad_request(body, wire_format):
    with contextlib.suppress(BadRequestError):
        request = wire_format.read(body)
        outcome = SCRIPT.outcome(request, 0)
        assert wire_format.whole(request, outcome).startswith(b"{")
        assert all(frame.endswith(b"\n\n") for frame in wire_format.frames(request, outcome))
