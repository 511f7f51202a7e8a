from __future__ import annotations

import os
import random
from typing import Any

import pytest

from sidecar.gateway.admission import (
    Lots,
    admitted,
    app,
    conversation_key,
    excluded,
    identity,
    inclusion_probability,
    user_key,
)
from sidecar.gateway.keyed_hash import HASH_BYTES, KeyedHash
from sidecar.gateway.scanner import Scan
from sidecar.settings import CaptureSettings

KEY = b"k" * 32
DEFAULT = CaptureSettings()
SAID = Scan(model=b"m", user=b"u", first_message=b"hi")
FULL = Scan(model=b"m", user=b"u", conversation=b"c", previous_response=b"r", first_message=b"hi")


def key_of(
    scan: Scan = SAID, headers: dict[bytes, bytes] | None = None, install_key: bytes = KEY, **settings: Any
) -> tuple[bytes, str]:
    configured, keyed = CaptureSettings(**settings), KeyedHash(install_key)
    return conversation_key(keyed, scan, identity(keyed, headers or {}, configured), configured, os.urandom)


def user_of(
    scan: Scan, headers: dict[bytes, bytes], settings: CaptureSettings = DEFAULT, install_key: bytes = KEY
) -> bytes | None:
    keyed = KeyedHash(install_key)
    return user_key(keyed, scan, identity(keyed, headers, settings))


def test_the_whole_sample_is_looked_at_while_there_is_room() -> None:
    for fill in (0.0, 0.3, 0.5):
        assert inclusion_probability(0.8, fill) == 0.8


def test_past_half_full_the_share_falls_and_never_to_nothing() -> None:
    shares = [inclusion_probability(0.8, 0.5 + n / 200) for n in range(1, 101)]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] == 0.4
    assert 0 < shares[-1] < 0.8 / 1000


def test_a_ring_under_ten_times_its_load_never_fills() -> None:
    """Conversations of 0.2 % of the ring come ten times as fast as they are read."""
    rng = random.Random(11)
    fill, most = 0.0, 0.0
    for _ in range(50_000):
        if admitted(rng.getrandbits(32), inclusion_probability(1.0, fill)):
            fill += 0.002
        fill = max(0.0, fill - 0.0002)
        most = max(most, fill)
    assert 0.5 < most < 0.8


def test_a_lower_share_keeps_a_subset_of_the_conversations_of_a_higher_one() -> None:
    rng = random.Random(5)
    lots = [rng.getrandbits(32) for _ in range(4000)]
    kept = {p: {lot for lot in lots if admitted(lot, p)} for p in (0.0, 0.1, 0.5, 1.0)}
    assert kept[0.0] < kept[0.1] < kept[0.5] < kept[1.0]
    assert len(kept[1.0]) == 4000
    assert 340 < len(kept[0.1]) < 460
    assert 1880 < len(kept[0.5]) < 2120


def test_every_lot_is_in_at_one_and_none_at_nought() -> None:
    for lot in (0, 2**32 - 1):
        assert admitted(lot, 1.0)
        assert not admitted(lot, 0.0)


def lot_of(scan: Scan, headers: dict[bytes, bytes] | None = None, install_key: bytes = KEY, **settings: Any) -> int:
    configured = CaptureSettings(**settings)
    who = identity(KeyedHash(install_key), headers or {}, configured)
    return Lots(install_key, configured, os.urandom).draw(scan, who)


IDENTIFIED: list[tuple[Scan, dict[bytes, bytes]]] = [
    (SAID, {}),
    (Scan(model=b"n", user=b"u", first_message=b"hi"), {}),
    (Scan(model=b"m", user=b"v", first_message=b"hi"), {}),
    (Scan(model=b"m", user=b"u", first_message=b"ho"), {}),
    (Scan(model=b"m", first_message=b"hi"), {}),
    (Scan(model=b"m", first_message=b"hi"), {b"authorization": b"a"}),
    (Scan(model=b"m", first_message=b"hi"), {b"authorization": b"b"}),
    (FULL, {b"x-conversation": b"a"}),
    (SAID, {b"x-conversation": b"a"}),
    (FULL, {b"x-conversation": b"b"}),
    (FULL, {}),
    (Scan(conversation=b"c"), {}),
    (Scan(previous_response=b"r", first_message=b"hi"), {}),
]


@pytest.mark.parametrize("trusted", [False, True])
def test_requests_draw_the_same_lot_exactly_if_they_have_the_same_key(trusted: bool) -> None:
    settings = {"trust_client_conversation_ids": trusted, "conversation_header": "x-conversation"}
    named = [(scan, headers) for scan, headers in IDENTIFIED if key_of(scan, headers, **settings)[1] != "none"]
    keys = [key_of(scan, headers, **settings)[0] for scan, headers in named]
    lots = [lot_of(scan, headers, **settings) for scan, headers in named]
    for one in range(len(named)):
        for other in range(len(named)):
            assert (keys[one] == keys[other]) == (lots[one] == lots[other]), (named[one], named[other])
    assert len(set(keys)) > 8


def test_another_install_key_draws_other_lots_and_an_unnamed_request_draws_anew() -> None:
    assert lot_of(SAID) == lot_of(SAID) != lot_of(SAID, install_key=b"K" * 32)
    assert len({lot_of(Scan(model=b"m")) for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "text", ["%d", "conversation %06d of the same user", "%d is what this long message begins with" * 9]
)
def test_the_lots_of_conversations_that_differ_in_a_number_are_spread_evenly(text: str) -> None:
    """Of 20,000, each sixteenth of the range gets its share: the range of 5 sigma about 1,250 for chance."""
    lots = [
        lot_of(Scan(model=b"m", first_message=(text % n if "%06d" in text else text.replace("%d", str(n))).encode()))
        for n in range(20_000)
    ]
    for probability in (1 / 256, 1 / 16, 1 / 4, 1 / 2):
        kept = sum(admitted(lot, probability) for lot in lots)
        sigma = (20_000 * probability * (1 - probability)) ** 0.5
        assert abs(kept - 20_000 * probability) < 5 * sigma
    sixteenths = [0] * 16
    for lot in lots:
        sixteenths[lot >> 28] += 1
    assert all(1_075 < count < 1_425 for count in sixteenths)


def test_the_operators_header_names_the_conversation_before_all_else() -> None:
    headers = {b"x-conversation": b"a"}
    key, kind = key_of(FULL, headers, conversation_header="x-conversation", trust_client_conversation_ids=True)
    assert kind == "header"
    assert key_of(Scan(), headers, conversation_header="x-conversation") == (key, "header")
    assert key_of(FULL, {b"x-conversation": b"b"}, conversation_header="x-conversation")[0] != key
    assert key_of(FULL, headers)[1] == "first_message"


def test_ids_that_clients_send_count_only_if_the_operator_trusts_them() -> None:
    assert key_of(FULL) == key_of(SAID)
    key, kind = key_of(FULL, trust_client_conversation_ids=True)
    assert kind == "body"
    assert key_of(Scan(conversation=b"c"), trust_client_conversation_ids=True)[0] == key
    link = Scan(previous_response=b"r", first_message=b"hi")
    assert key_of(link, trust_client_conversation_ids=True)[1] == "previous_response"
    assert key_of(Scan(previous_response=b"r"))[1] == "none"


def test_model_user_and_first_message_together_make_a_conversation() -> None:
    key, kind = key_of()
    assert (len(key), kind) == (HASH_BYTES, "first_message")
    assert key_of() == (key, kind)
    others = [
        Scan(model=b"n", user=b"u", first_message=b"hi"),
        Scan(model=b"m", user=b"v", first_message=b"hi"),
        Scan(model=b"m", user=b"u", first_message=b"ho"),
        Scan(user=b"u", first_message=b"hi"),
        Scan(model=b"m", first_message=b"hi"),
        Scan(model=b"mh", user=b"u", first_message=b"i"),
    ]
    assert len({key, *(key_of(other)[0] for other in others)}) == 7
    assert key_of(install_key=b"K" * 32)[0] != key
    assert key_of(Scan(model=b"ab", first_message=b"c"))[0] != key_of(Scan(model=b"a", first_message=b"bc"))[0]


def test_where_nothing_names_a_conversation_each_request_is_its_own() -> None:
    (one, kind), (two, _) = key_of(Scan(model=b"m", user=b"u")), key_of(Scan(model=b"m", user=b"u"))
    assert kind == "none"
    assert len(one) == HASH_BYTES
    assert one != two


def test_the_user_is_the_header_else_the_bodys_else_the_credential() -> None:
    settings = CaptureSettings(user_header="x-user")
    headers = {b"x-user": b"h", b"authorization": b"Bearer a"}
    header = user_of(SAID, headers, settings)
    body = user_of(SAID, {b"authorization": b"Bearer a"}, settings)
    credential = user_of(Scan(), {b"authorization": b"Bearer a"}, settings)
    assert len({header, body, credential, None}) == 4
    assert header == user_of(Scan(user=b"h"), {}), "the same name is the same user wherever it stands"
    assert user_of(SAID, headers) == body
    assert credential != user_of(Scan(user=b"Bearer a"), {})
    assert user_of(Scan(), {}, settings) is None


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key"])
def test_each_kind_of_credential_tells_callers_apart(name: bytes) -> None:
    one, two = (user_of(Scan(), {name: value}) for value in (b"a", b"b"))
    assert one
    assert two
    assert one != two
    assert one != user_of(Scan(), {name: b"a"}, install_key=b"K" * 32)


def test_the_app_is_one_of_the_listed_or_other() -> None:
    settings = CaptureSettings(app_header="x-app", apps=("search", "chat"))
    assert app({b"x-app": b"chat"}, settings) == "chat"
    assert app({b"x-app": b"someone-elses"}, settings) == "other"
    assert app({}, settings) == "other"
    assert app({b"x-app": b"chat"}, CaptureSettings(app_header="x-app")) == ""


def test_an_exclusion_needs_the_whole_header_value_or_a_prefix_of_the_path() -> None:
    settings = CaptureSettings(exclude_headers=(("x-load-test", "1"),), exclude_paths=("/eval/", "/probe"))
    assert excluded("/v1/x", {b"x-load-test": b"1"}, settings)
    assert not excluded("/v1/x", {b"x-load-test": b"10"}, settings)
    assert not excluded("/v1/x", {}, settings)
    assert excluded("/eval/v1/x", {}, settings)
    assert excluded("/probes", {}, settings)
    assert not excluded("/v1/eval/", {}, settings)
    assert not excluded("/v1/x", {}, DEFAULT)
