"""Short greedy answers: another model is found within a round, and noise that was learned is not."""

import json
import random

import pytest

from sidecar.canary.fingerprint import LEARN, TIPPED, Fingerprint

PROMPTS = [f"p{at}" for at in range(12)]
A_DAY = 72
"""Answers, where canaries come every five minutes."""


class Greedy:
    """A server that mostly repeats itself: some prompts have near ties that tip under load, and any answer may be odd."""

    def __init__(self, seed, odd):
        self.rng, self.odd = random.Random(seed), odd
        self.ties = {prompt: self.rng.choice([0, 0, 0, 1, 1, 2, 3]) for prompt in PROMPTS}
        self.tips = {prompt: self.rng.uniform(0.02, 0.3) for prompt in PROMPTS}

    def answer(self, prompt, *, loaded):
        if self.rng.random() < self.odd:
            return f"odd {self.rng.random()}"
        if self.ties[prompt] and self.rng.random() < self.tips[prompt] * (1.0 if loaded else 0.1):
            return f"tie {self.rng.randrange(self.ties[prompt])}"
        return "usual"


def false_changes(seed, odd, days=90):
    server, fingerprint, found = Greedy(seed, odd), Fingerprint(PROMPTS), 0
    for number in range(days * A_DAY):
        prompt = fingerprint.next()
        loaded = number > LEARN * len(PROMPTS) and number % A_DAY > A_DAY // 2  # no load while it was learned
        if fingerprint.answer(prompt, server.answer(prompt, loaded=loaded)):
            found, fingerprint = found + 1, Fingerprint(PROMPTS)
    return found


def answers_until_found(seed, changed, rounds):
    server, fingerprint = Greedy(seed, 0.005), Fingerprint(PROMPTS)
    for number in range(rounds * len(PROMPTS)):
        prompt = fingerprint.next()
        assert not fingerprint.answer(prompt, server.answer(prompt, loaded=number % 2))
    others = set(server.rng.sample(PROMPTS, changed))
    for number in range(1, 20 * len(PROMPTS)):
        prompt = fingerprint.next()
        if fingerprint.answer(prompt, "another" if prompt in others else server.answer(prompt, loaded=False)):
            return number
    return float("inf")


@pytest.mark.parametrize("odd", [0.0, 0.02])
def test_ninety_quiet_days_have_at_most_one_false_change(odd):
    assert [false_changes(seed, odd) <= 1 for seed in range(4)] == [True] * 4


@pytest.mark.slow
@pytest.mark.parametrize("odd", [0.0, 0.005, 0.02, 0.05, 0.2])
def test_in_forty_times_ninety_quiet_days_there_is_hardly_a_false_change(odd):
    found = [false_changes(seed, odd) for seed in range(40)]
    assert max(found) <= 1
    assert sum(found) <= 3


@pytest.mark.parametrize(("rounds", "changed"), [(LEARN + 1, 11), (30, 8), (100, 6)])
def test_a_model_that_answers_otherwise_is_found_within_one_round(rounds, changed):
    found = [answers_until_found(seed, changed, rounds) for seed in range(20)]
    assert sum(number <= len(PROMPTS) for number in found) >= 19


@pytest.mark.parametrize(
    ("rounds", "changed", "within"), [(LEARN + 1, 3, 6), (30, 3, 3), (100, 3, 2), (LEARN + 1, 6, 3)]
)
def test_a_model_that_answers_few_prompts_otherwise_is_found_within_some_rounds(rounds, changed, within):
    found = [answers_until_found(seed, changed, rounds) for seed in range(20)]
    assert sum(number <= within * len(PROMPTS) for number in found) >= 19


@pytest.mark.parametrize(("rounds", "ties"), [(LEARN + 1, 2), (100, 1)])
def test_near_ties_that_tip_for_good_are_no_change_and_become_known(rounds, ties):
    fingerprint = Fingerprint(PROMPTS)
    for _ in range(rounds * len(PROMPTS)):
        fingerprint.answer(fingerprint.next(), "usual")
    for _ in range(TIPPED):
        assert not any(fingerprint.answer(one, "tipped" if one in PROMPTS[:ties] else "usual") for one in PROMPTS)
    assert not fingerprint.open
    for _ in range(20):
        assert not any(fingerprint.answer(one, "tipped" if one in PROMPTS[:ties] else "usual") for one in PROMPTS)
    assert not fingerprint.suspect


def test_a_model_that_does_not_answer_greedily_is_said_to_be_too_noisy_and_never_changed():
    rng, fingerprint = random.Random(3), Fingerprint(PROMPTS)
    for _ in range(2000):
        assert not fingerprint.answer(fingerprint.next(), str(rng.random()))
    assert fingerprint.noisy


def test_what_was_learned_goes_on_after_a_restart_and_a_new_prompt_is_learned_first():
    fingerprint = Fingerprint(PROMPTS)
    for _ in range(LEARN * len(PROMPTS) + 3):
        fingerprint.answer(fingerprint.next(), "usual")
    again = Fingerprint.from_dict(json.loads(json.dumps(fingerprint.to_dict())), PROMPTS)
    assert again.learned
    assert again.next() == fingerprint.next()
    assert [again.answer(prompt, "new") for prompt in PROMPTS] == [fingerprint.answer(p, "new") for p in PROMPTS]
    assert not Fingerprint.from_dict(fingerprint.to_dict(), [*PROMPTS, "more"]).learned
    older = fingerprint.to_dict()
    del older["starts"], older["judged"]  # as the version before this one kept it
    assert Fingerprint.from_dict(json.loads(json.dumps(older)), PROMPTS).learned
