"""How many users counts come from, without a list of them that grows."""

import json

import pytest

from detectors.watch.users import MOST, Users


def counted(*users):
    found = Users()
    for user in users:
        found.add(user)
    return found


def test_one_user_with_nearly_all_observations_amounts_to_hardly_more_than_one():
    assert counted(*["heavy"] * 97, "a", "b", "c").effective == pytest.approx(1.06, abs=0.01)


def test_observations_that_name_nobody_are_users_of_their_own():
    assert counted(*[None] * 40).effective == 40
    assert counted().effective == 0


def test_memory_is_bounded_however_many_users_come():
    users = counted(*(f"u{number}" for number in range(10 * MOST)))
    assert users.effective == 10 * MOST
    assert len(users._weights) == MOST


def test_the_past_fades_so_that_a_late_heavy_user_is_seen():
    users = counted(*(f"u{number}" for number in range(MOST)))
    users.fade()
    for _ in range(500):
        users.add("late")
    assert users.effective < 3


def test_at_the_end_of_a_day_those_who_came_once_are_not_nobody():
    users = counted(*(f"u{number}" for number in range(60)))
    users.fade()
    assert users.effective == 60
    for number in range(60):
        users.add(f"u{number}")
    assert users.effective == 60
    for _ in range(2):
        users.fade()
    assert users.effective == 0


def test_a_user_of_both_days_is_one_user():
    users = counted("a", "b", None)
    users.fade()
    for user in ("a", "a", None):
        users.add(user)
    assert users.effective == pytest.approx(36 / (9 + 1 + 1 + 1))


def test_it_survives_json():
    users, again = counted("a", "a", "b", None), Users()
    users.fade()
    users.add("a")
    again.restore(json.loads(json.dumps(users.state())))
    for one in (users, again):
        one.add("b")
    assert again.effective == users.effective


def test_a_state_of_one_stretch_only_is_read_on():
    users = Users()
    users.restore({"weights": {"a": 2}, "singles": 1})
    assert users.effective == pytest.approx(9 / 5)
