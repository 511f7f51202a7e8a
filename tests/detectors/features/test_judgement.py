import pytest

from detectors.features.judgement import READABLE, judge_text, judgements
from detectors.records.exchange import Exchange, Message, ToolEvent
from detectors.records.features import Judgement

NO = "I'm sorry, but I can't help with that."
YES = "The museum opens at nine and a ticket for adults is ten pounds."
CALL = (ToolEvent("call", "search", "1"),)


def judge(*answers, **fields):
    messages = tuple(a if isinstance(a, Message) else Message("assistant", a) for a in answers)
    return judgements(Exchange("chat", "x", output_messages=messages, **fields), ("en",))


def label(*answers, **fields):
    (judged,) = judge(*answers, **fields)
    return judged.label, judged.decided_by


def test_an_answer_and_a_refusal():
    assert judge(YES) == (Judgement("compliance", marker=False, delivered=True, decided_by="no_marker"),)
    assert judge(NO) == (Judgement("refusal", marker=True, delivered=False, decided_by="cannot"),)


def test_marker_and_content_are_a_hollow_refusal():
    (judged,) = judge(f"{NO} Here are the steps: {YES} {YES} {YES}")
    assert judged == Judgement("hollow_refusal", marker=True, delivered=True, decided_by="cannot")


def test_each_choice_has_its_own_judgement_in_order():
    assert [judged.label for judged in judge(YES, NO, "")] == ["compliance", "refusal", "empty"]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 503])
def test_an_error_is_no_behaviour(status):
    assert judge(NO, status=status) == ()
    assert judge(status=status, signals=("policy_block_input",)) == ()


def test_an_error_event_before_any_content_is_no_behaviour():
    assert judge("", error_type="overloaded_error") == ()
    assert judge(error_type="overloaded_error", ended="upstream_cut") == ()


def test_an_error_after_content_leaves_the_content_judged():
    assert label(NO, error_type="overloaded_error")[0] == "refusal"


@pytest.mark.parametrize("signal", ["policy_block_output", "policy_block_input"])
def test_a_block_without_text_is_empty_and_never_a_refusal(signal):
    assert label("", signals=(signal,)) == ("empty", "policy_block")
    assert label(signals=(signal,)) == ("empty", "policy_block")


def test_a_block_after_text_leaves_the_text_to_speak():
    assert label(YES, signals=("policy_block_output",))[0] == "compliance"
    assert label(NO, signals=("policy_block_output",))[0] == "refusal"


def test_a_structured_refusal_counts_with_empty_content():
    assert label(Message("assistant", "", refusal="No.")) == ("refusal", "structured")
    assert label("", signals=("model_refusal_structured",)) == ("refusal", "structured")


def test_a_structured_refusal_of_one_choice_is_not_the_others():
    refused = Message("assistant", "", refusal=NO)
    labels = [judged.label for judged in judge(YES, refused, signals=("model_refusal_structured",))]
    assert labels == ["compliance", "refusal"]


def test_a_structured_refusal_beside_the_content_is_hollow():
    assert label(Message("assistant", YES * 12, refusal="No.")) == ("hollow_refusal", "structured")


@pytest.mark.parametrize("ended", ["client_aborted", "upstream_cut"])
def test_an_answer_cut_short_is_aborted_never_empty(ended):
    assert label("", ended=ended) == ("aborted", "cut_short")
    assert label(ended=ended) == ("aborted", "cut_short")
    assert label("I'm sorry, but", ended=ended) == ("aborted", "cut_short")


def test_an_answer_cut_after_enough_text_is_judged_by_it():
    assert len(YES) > READABLE
    assert label(YES, ended="client_aborted")[0] == "compliance"
    assert label(f"{NO} Please ask", ended="client_aborted")[0] == "refusal"
    assert label("x" * (READABLE - 1), ended="client_aborted")[0] == "aborted"
    assert label("x" * READABLE, ended="client_aborted")[0] == "compliance"


def test_a_pure_tool_call_is_compliance():
    assert label(Message("assistant", "", CALL)) == ("compliance", "tool_call")
    assert label(Message("assistant", "", CALL), ended="client_aborted") == ("compliance", "tool_call")


def test_saying_no_and_calling_the_tool_is_hollow():
    assert label(Message("assistant", NO, CALL))[0] == "hollow_refusal"


@pytest.mark.parametrize("text", ["", " ", "\n\t\n"])
def test_nothing_visible_is_empty(text):
    assert label(text) == ("empty", "nothing")
    assert judge_text(text).label == "empty"


def test_the_rule_that_decided_never_quotes_the_text():
    secret = "zebra-4711"
    for judged in (*judge(f"{NO} {secret}"), *judge(secret), judge_text(f"{secret} {NO}")):
        assert secret not in repr(judged)


@pytest.mark.parametrize(
    ("refusal", "answer"),
    [
        (NO, "박물관은 아침 아홉 시에 문을 열고 어른 표는 오천 원입니다. " * 12),
        ("Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.", f"{YES} " * 6),
    ],
)
def test_a_refusal_in_another_language_than_the_answer_below_it_is_read(refusal, answer):
    assert judge_text(f"{refusal}\n\n{answer}").label == "hollow_refusal"


def test_text_alone_is_judged_in_its_own_language():
    assert judge_text("Es tut mir leid, aber dabei kann ich Ihnen nicht helfen.").label == "refusal"
