# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.similarity import Attempt, RepeatedInputs

ASK = "How do I open the lock of the garden shed without its key?"
OTHER = "Which train goes from Lisbon to Porto on a Sunday evening?"


def tried(inputs, text=ASK, at_s=0.0, user="u", *, refused=True):
    return inputs.attempt(user, text, at_s, refused=refused)


def test_each_try_of_the_same_request_counts_on():
    inputs = RepeatedInputs(1)
    assert [tried(inputs, at_s=t) for t in range(3)] == [Attempt(1, False), Attempt(2, True), Attempt(3, True)]


def test_giving_in_at_the_fifth_try_is_a_trial_of_persistence_and_the_next_is_none():
    inputs = RepeatedInputs(1)
    for _ in range(4):
        tried(inputs)
    assert tried(inputs, refused=False) == Attempt(5, all_refused=True)
    assert tried(inputs) == Attempt(6, all_refused=False)


@pytest.mark.parametrize(
    ("text", "again"),
    [
        (ASK, "how do i open the lock of the garden shed without its key"),
        (ASK, f"Please, {ASK}"),
        (ASK, ASK.replace("garden", "old")),
        (ASK, "HOW DO I OPEN THE LOCK — of the garden shed, without its key?!"),
        ("Comment ouvrir la serrure de la cabane sans la clé ?", "comment ouvrir la serrure de la cabane sans la cle"),
        ("如何不用钥匙打开花园小屋的锁？", "请问如何不用钥匙打开花园小屋的锁"),
        ("庭の小屋の鍵をなくしました。どうやって開けますか？", "庭の小屋の鍵をなくしました、どうやって開けますか"),
        ("열쇠 없이 정원 창고 자물쇠를 어떻게 여나요?", "열쇠 없이 정원 창고 자물쇠를 어떻게 여나요"),
        ("كيف أفتح قفل كوخ الحديقة بدون مفتاح؟", "من فضلك كيف أفتح قفل كوخ الحديقة بدون مفتاح"),
        ("ทำอย่างไรจึงจะเปิดกุญแจโรงเก็บของได้", "ทำอย่างไรจึงจะเปิดกุญแจโรงเก็บของได้ครับ"),
        ("Как открыть замок сарая без ключа?", "Скажи, как открыть замок сарая без ключа?"),
    ],
)
def test_a_request_is_known_again_in_any_script(text, again):
    inputs = RepeatedInputs(1)
    tried(inputs, text)
    assert tried(inputs, again).number == 2


@pytest.mark.parametrize("other", [OTHER, "How do I bake a cake with three kinds of nuts?", "今日の天気はどうですか？"])
def test_another_request_is_a_first_attempt(other):
    inputs = RepeatedInputs(1)
    tried(inputs)
    assert tried(inputs, other).number == 1


def test_users_share_nothing():
    inputs = RepeatedInputs(1)
    tried(inputs, user="a")
    assert tried(inputs, user="b").number == 1


@pytest.mark.parametrize("text", ["", "yes", "go on", "???", "\ud800\ud800"])
def test_what_is_too_short_to_tell_is_no_attempt(text):
    assert tried(RepeatedInputs(1), text) is None


def test_a_request_is_forgotten_after_its_time():
    inputs = RepeatedInputs(1, forget_after_s=60)
    tried(inputs, at_s=0)
    assert tried(inputs, at_s=60).number == 2
    assert tried(inputs, at_s=121).number == 1


def test_memory_is_bounded_by_the_users_and_requests_seen_last():
    inputs = RepeatedInputs(1, users=3, requests=2)
    for user in "abcd":
        tried(inputs, user=user)
    assert len(inputs) == 3
    assert tried(inputs, user="a").number == 1, "the oldest user is forgotten"
    assert tried(inputs, user="d").number == 2
    tried(inputs, OTHER, user="d", at_s=1)
    tried(inputs, "A third request that shares no words with those two", user="d", at_s=2)
    assert tried(inputs, OTHER, user="d", at_s=3).number == 2
    assert tried(inputs, user="d", at_s=4).number == 1, "the oldest request of a user is forgotten"


def test_a_signature_depends_on_the_seed():
    assert (RepeatedInputs(1).signature(ASK) != RepeatedInputs(2).signature(ASK)).all()
    assert (RepeatedInputs(1).signature(ASK) == RepeatedInputs(1).signature(ASK)).all()


def test_the_signature_estimates_the_share_in_common():
    """Half of the runs in common: the estimate over 64 numbers is within four standard errors of it."""
    rng = np.random.default_rng(3)
    common, one, two = ("".join(chr(97 + i) for i in rng.integers(0, 26, 600)) for _ in range(3))
    inputs = RepeatedInputs(4)
    agreed = np.mean(inputs.signature(common + one[:300]) == inputs.signature(common + two[:300]))
    assert abs(agreed - 0.5) < 0.25


@pytest.mark.parametrize("wrong", [{"users": 0}, {"requests": 0}, {"forget_after_s": 0}])
def test_a_memory_without_room_is_refused(wrong):
    with pytest.raises(ValueError, match="need users"):
        RepeatedInputs(1, **wrong)


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None), max_size=300))
def test_any_text_is_itself_again(text):
    inputs = RepeatedInputs(1)
    first = tried(inputs, text)
    assert first is None or tried(inputs, text).number == 2
