import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.extract import extract
from detectors.features.memory import Memory
from detectors.records.exchange import Exchange, Message, ToolEvent

OTHER = "Which train goes from Lisbon to Porto on a Sunday evening?"
ASK = "How do I open the lock of the garden shed without its key?"
NO = "I'm sorry, but I can't help with that."
YES = "Slide a thin card between the bolt and its plate, and lift the bolt."


def exchange(answer, *, ask=ASK, user="u", conversation="c", at_s=0.0, **fields):
    return Exchange(
        "chat",
        "x",
        conversation_id=conversation,
        input_messages=(Message("user", ask),),
        output_messages=(answer if isinstance(answer, Message) else Message("assistant", answer),),
        user_key=user,
        started_at_s=at_s,
        **fields,
    )


def remembered(*exchanges):
    memory = Memory(1)
    return [memory.remember(one, extract(one)) for one in exchanges]


def test_giving_in_after_refusals_is_seen_in_attempts_and_in_the_conversation():
    no, again, yes = remembered(exchange(NO), exchange(NO, at_s=1), exchange(YES, at_s=2))
    assert (no.attempt, no.refused_before, no.complied_after_refusal) == (1, False, None)
    assert (again.attempt, again.refused_before, again.complied_after_refusal) == (2, True, False)
    assert (yes.attempt, yes.refused_before, yes.complied_after_refusal) == (3, True, True)


def test_who_comes_back_within_the_hour_could_repeat_something():
    first, second, late = remembered(exchange(YES), exchange(YES, ask=OTHER, at_s=3600), exchange(YES, at_s=7201))
    assert (first.returning, second.returning, late.returning) == (False, True, False)


def test_a_step_of_a_chain_of_tools_is_no_attempt_though_it_repeats_what_the_human_said():
    result = Message("tool", "3 found", (ToolEvent("result", "search"),))
    step = dataclasses.replace(exchange(NO, at_s=1), input_messages=(Message("user", ASK), result))
    asked, stepped, again = remembered(exchange(NO), step, exchange(NO, at_s=2))
    assert (asked.attempt, stepped.attempt, again.attempt) == (1, None, 2)
    assert not stepped.returning


def test_without_an_identity_there_are_no_attempts():
    (features,) = remembered(exchange(NO, user=None))
    assert features.attempt is None


def test_an_error_is_not_remembered():
    _, after = remembered(exchange(NO, status=500), exchange(NO))
    assert after.attempt == 1


def test_an_answer_that_cannot_be_read_is_no_attempt():
    empty, after = remembered(exchange(""), exchange(NO))
    assert (empty.attempt, after.attempt) == (None, 1)


def test_a_step_never_seen_before_is_told_once():
    call = Message("assistant", "", (ToolEvent("call", "send"),))
    first, second = remembered(exchange(call, tools_offered=("send",)), exchange(call, tools_offered=("send",)))
    assert (first.first_seen_transitions, second.first_seen_transitions) == (("start>send",), ())


def test_chat_without_tools_has_no_steps():
    (features,) = remembered(exchange(YES))
    assert (features.first_seen_transitions, features.tool_loop) == ((), False)


MESSAGES = st.builds(
    Message,
    st.sampled_from(["user", "assistant", "tool"]),
    st.text(st.characters(codec=None), max_size=30),
    st.lists(st.builds(ToolEvent, st.sampled_from(["call", "result"]), st.text(max_size=4)), max_size=3).map(tuple),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGES, max_size=4), st.lists(MESSAGES, max_size=2), st.none() | st.text(max_size=3))
def test_any_exchange_is_remembered_without_an_error(asked, answers, user):
    one = Exchange("chat", "x", input_messages=tuple(asked), output_messages=tuple(answers), user_key=user)
    memory = Memory(1)
    for _ in range(2):
        features = memory.remember(one, extract(one))
    assert features.attempt in (None, 2)
