from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.evidence import chain
from sidecar.evidence.chain import BrokenError, Head
from sidecar.evidence.record import Record

KEY = b"k" * 32

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def test_the_seal_is_the_hmac_of_the_seal_before_and_the_record() -> None:
    # hmac.new(b"k" * 32, bytes(32) + text, "sha256") with `text` as asserted, computed with openssl
    text = Record(1, 0.0, "start", {"version": "1"}).canonical()
    assert text == b'{"at":"1970-01-01T00:00:00.000000Z","data":{"version":"1"},"kind":"start","seq":1}'
    assert chain.seal(KEY, chain.GENESIS, text).hex() == EXPECTED


EXPECTED = "27a32257755bfbd9775d8ec8f48b5130fa6848e3f7f816694f78f682fcb377a5"


@given(st.dictionaries(st.text(max_size=5).filter(lambda key: key.isprintable()), json_values, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_record_that_is_written_follows_and_reads_back(data: dict[str, object]) -> None:
    try:
        text = Record(1, 1e9, "verdict", data).canonical()
    except ValueError:
        assert any(
            "\ud800" <= letter <= "\udfff"
            for letter in repr(data).encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
        )
        return
    line, seal = chain.line(KEY, chain.GENESIS, text)
    assert line.count(b"\n") == 1
    head, content = chain.follow(KEY, Head(), line)
    assert head == Head(1, seal)
    assert content["data"] == data


def test_a_line_with_any_bit_changed_does_not_follow() -> None:
    line, _ = chain.line(KEY, chain.GENESIS, Record(1, 1e9, "alarm", {"stratum": "tr"}).canonical())
    for place in range(len(line)):
        for bit in range(8):
            changed = bytearray(line)
            changed[place] ^= 1 << bit
            with pytest.raises(BrokenError):
                chain.follow(KEY, Head(), bytes(changed))


def test_a_line_does_not_follow_another_than_the_one_before_it_nor_with_another_key() -> None:
    first, seal = chain.line(KEY, chain.GENESIS, Record(1, 1e9, "start", {}).canonical())
    second, _ = chain.line(KEY, seal, Record(2, 1e9, "stop", {}).canonical())
    assert chain.follow(KEY, Head(1, seal), second)[0].seq == 2
    for head in (Head(), Head(1, bytes(32)), Head(2, seal)):
        with pytest.raises(BrokenError):
            chain.follow(KEY, head, second)
    with pytest.raises(BrokenError):
        chain.follow(b"", Head(), first)


def test_a_head_reads_back_from_its_text_and_nothing_else_does() -> None:
    head = Head(12, bytes(range(32)))
    assert Head.parse(str(head)) == head
    for text in ("", "12", "12:", "x:" + "0" * 64, "-1:" + "0" * 64, "12:" + "A" * 64, "12:" + "0" * 63):
        with pytest.raises(ValueError, match="need NUMBER:SEAL"):
            Head.parse(text)


def test_a_record_of_an_unknown_kind_or_without_json_is_refused() -> None:
    with pytest.raises(ValueError, match="need one of"):
        Record(1, 0.0, "rumour", {})
    with pytest.raises(ValueError, match="no JSON value"):
        Record(1, 0.0, "verdict", {"rate": float("nan")}).canonical()
