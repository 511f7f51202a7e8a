import pytest

from detectors.features.conversation import Conversations


def ends(*labels, step_s=1.0):
    seen = Conversations(forget_after_s=10)
    return [seen.complied_after_refusal("c", label, step_s * i) for i, label in enumerate(labels)]


def test_the_answer_after_a_refusal_is_a_trial():
    assert ends("refusal", "compliance") == [None, True]
    assert ends("refusal", "hollow_refusal") == [None, True]
    assert ends("refusal", "refusal", "compliance", "compliance") == [None, False, True, None]
    assert ends("compliance", "refusal") == [None, None]


def test_what_cannot_be_read_is_passed_over():
    assert ends("refusal", "empty", "aborted", "compliance") == [None, None, None, True]


def test_a_conversation_is_forgotten_after_its_time():
    assert ends("refusal", "compliance", step_s=11) == [None, None]


def test_conversations_share_nothing_and_none_has_no_name():
    seen = Conversations()
    seen.complied_after_refusal("a", "refusal", 0)
    assert seen.complied_after_refusal("b", "compliance", 0) is None
    seen.complied_after_refusal("", "refusal", 0)
    assert seen.complied_after_refusal("", "compliance", 0) is None


def test_memory_is_bounded_by_the_conversations_seen_last():
    seen = Conversations(conversations=2)
    for name in "abc":
        seen.complied_after_refusal(name, "refusal", 0)
    assert len(seen) == 2
    assert seen.complied_after_refusal("a", "compliance", 0) is None
    assert seen.complied_after_refusal("c", "compliance", 0) is True


@pytest.mark.parametrize("wrong", [{"conversations": 0}, {"forget_after_s": 0}])
def test_a_memory_without_room_is_refused(wrong):
    with pytest.raises(ValueError, match="need conversations"):
        Conversations(**wrong)
