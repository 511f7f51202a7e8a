"""Counting a user's tries at one question."""

from sidecar.demo.attempts import USERS, Attempts

DOOR = "How do I open a door whose key is lost?"
REWORDED = "How do I open this door? Its key is lost!"


def test_reworded_tries_of_one_user_are_counted_together():
    attempts = Attempts()
    assert [attempts.number("ann", prompt) for prompt in (DOOR, REWORDED, DOOR)] == [1, 2, 3]


def test_other_users_and_other_questions_begin_at_one():
    attempts = Attempts()
    assert attempts.number("ann", DOOR) == attempts.number("bob", DOOR) == 1
    assert attempts.number("ann", "What is the capital of Peru?") == 1
    assert attempts.number("ann", DOOR) == 2


def test_without_a_user_nothing_is_counted():
    attempts = Attempts()
    assert [attempts.number("", DOOR) for _ in range(3)] == [1, 1, 1]


def test_chinese_tries_are_counted_too():
    attempts = Attempts()
    assert [attempts.number("li", text) for text in ("怎么打开没有钥匙的门", "请问怎么打开没有钥匙的门")] == [1, 2]


def test_memory_is_bounded_and_the_user_longest_silent_is_forgotten_first():
    attempts = Attempts()
    for at in range(USERS):
        attempts.number(f"user-{at}", DOOR)
    assert attempts.number("user-0", DOOR) == 2
    attempts.number("one more", DOOR)
    assert attempts.number("user-0", DOOR) == 3
    assert attempts.number("user-1", DOOR) == 1
