"""The demo's conversations."""

from collections import Counter

from sidecar.demo import openai_chat
from sidecar.demo.traffic import LANGUAGE_WEIGHTS, LENGTHS, conversation

TALKS = [conversation(7, number, with_real=True) for number in range(3000)]


def test_a_conversation_follows_from_seed_and_number():
    assert conversation(7, 5) == conversation(7, 5) != conversation(8, 5)


def test_conversations_have_the_length_and_language_that_they_say():
    for talk in TALKS[:500]:
        read = openai_chat.read({"messages": talk.messages})
        assert (read.turns, read.language) == (talk.turns, talk.language)
        assert talk.messages[-1]["role"] == "user"


def test_every_length_language_and_kind_occurs_in_its_share():
    chats = [talk for talk in TALKS if talk.kind == "chat"]
    lengths = Counter(talk.turns for talk in chats)
    assert set(lengths) == set(LENGTHS)
    assert min(lengths.values()) > 0.15 * len(chats)
    assert {talk.language for talk in chats} == set(LANGUAGE_WEIGHTS)
    kinds = Counter(talk.kind for talk in TALKS)
    assert 500 < kinds["tools"] < 700
    assert 100 < kinds["retry"] < 200
    assert 100 < kinds["real"] < 200
    assert all(talk.language == "en" for talk in TALKS if talk.kind == "real")


def test_without_the_real_model_nothing_is_meant_for_it():
    assert all(conversation(7, number).kind != "real" for number in range(500))


def test_no_two_conversations_begin_alike_and_users_are_many():
    assert len({talk.messages[1]["content"] for talk in TALKS}) == len(TALKS)
    assert len({talk.user for talk in TALKS}) > 1000
