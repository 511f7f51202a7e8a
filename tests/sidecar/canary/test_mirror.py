"""The mirror of users' sampling parameters: what it keeps, what it draws, and what it never sends."""

from collections import Counter
from random import Random

import pytest

from sidecar.canary.mirror import LEAST, LEAST_ALIKE, MOST, REMEMBERED, Mirror

USUAL = (("temperature", 0.7), ("top_p", 0.9))


def mirror(*seen, within=""):
    made = Mirror(Random(1), within)
    for document, times in seen:
        for _ in range(times):
            made.see(document)
    return made


def drawn(made, times=2000):
    return Counter(made.drawn() for _ in range(times))


def test_parameters_are_drawn_as_often_as_users_send_them():
    found = drawn(mirror(({"temperature": 0.7, "top_p": 0.9}, 600), ({"temperature": 0}, 300), ({"model": "m"}, 100)))
    assert set(found) == {USUAL, (("temperature", 0.0),), ()}
    assert found[USUAL] / 2000 == pytest.approx(0.6, abs=0.05)
    assert found[()] / 2000 == pytest.approx(0.1, abs=0.03)


def test_nothing_is_drawn_before_enough_was_seen_and_what_is_rare_never():
    assert mirror(({"temperature": 1}, LEAST - 1)).drawn() is None
    assert mirror(({"temperature": 1}, LEAST)).drawn() == (("temperature", 1.0),)
    rare = mirror(({"temperature": 1}, LEAST), ({"temperature": 0.123}, LEAST_ALIKE - 1))
    assert set(drawn(rare)) == {(("temperature", 1.0),)}
    many = mirror(*(({"temperature": at / 100}, 2) for at in range(60)))  # none that several have
    assert many.drawn() is None


def test_only_numbers_of_known_parameters_are_kept_and_rounded():
    document = {
        "temperature": 0.70001, "top_p": "0.9", "top_k": True, "min_p": float("nan"), "presence_penalty": 1e300,
        "seed": 7, "user": "u", "messages": [{"content": "secret"}], "max_tokens": 9, "frequency_penalty": -0.5,
    }  # fmt: skip
    made = mirror((document, LEAST))
    assert made.drawn() == (("temperature", 0.7), ("frequency_penalty", -0.5))
    assert "secret" not in repr(vars(made))


def test_it_is_bounded_and_follows_traffic():
    made = mirror(*(({"temperature": at / 1000}, 1) for at in range(1000)))
    assert len(made._seen) <= MOST
    for _ in range(3 * REMEMBERED):
        made.see({"temperature": 0.7})
    assert sum(made._seen.values()) < REMEMBERED
    assert set(drawn(made, 200)) == {(("temperature", 0.7),)}
    for _ in range(4 * REMEMBERED):
        made.see({"temperature": 0.2})
    assert drawn(made, 1000)[(("temperature", 0.2),)] > 980


def test_parameters_may_stand_within():
    made = mirror(({"options": {"temperature": 0.3}, "temperature": 1}, LEAST), within="options")
    assert made.drawn() == (("temperature", 0.3),)
    assert mirror(({"options": [1]}, LEAST), within="options").drawn() == ()
