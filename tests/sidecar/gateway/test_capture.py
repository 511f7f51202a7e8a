from __future__ import annotations

import contextlib
import dataclasses
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.capture import MAX_ARRIVALS, Capture

bounded = settings(max_examples=200, deadline=None)

seconds = st.floats(0, 1e6)
maybe_seconds = st.none() | seconds
headers = st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=4).map(tuple)
captures = st.builds(
    Capture,
    method=st.text(max_size=8),
    path=st.text(max_size=40),
    request_headers=headers,
    request_body=st.binary(max_size=200),
    request_truncated=st.booleans(),
    status=st.integers(0, 999),
    response_headers=headers,
    response_body=st.binary(min_size=9, max_size=200),
    response_omitted=st.integers(0, 1 << 40),
    response_head_bytes=st.integers(0, 9),
    started_at_s=st.floats(0, 4e9),
    request_sent_s=maybe_seconds,
    first_byte_s=maybe_seconds,
    finished_s=maybe_seconds,
    arrivals=st.lists(st.tuples(st.integers(0, 1 << 40), seconds), max_size=MAX_ARRIVALS).map(tuple),
    conversation_key=st.text("0123456789abcdef", max_size=16),
    key_kind=st.sampled_from(["header", "none"]),
    user_key=st.none() | st.text("0123456789abcdef", max_size=16),
    app=st.text(max_size=10),
    inclusion_probability=st.floats(0, 1, exclude_min=True),
    ended=st.sampled_from(["complete", "client_aborted", "upstream_cut"]),
    protocol=st.text(max_size=20),
    keyed_bytes=st.integers(0, 1 << 16),
    credential_key=st.none() | st.text("0123456789abcdef", max_size=16),
)
A_CAPTURE = Capture(
    method="POST",
    path="/v1/chat/completions",
    request_headers=(("content-type", "application/json"),),
    request_body=b"secret question",
    request_truncated=False,
    status=200,
    response_headers=(),
    response_body=b"secret answer",
    response_omitted=0,
    response_head_bytes=13,
    started_at_s=1.7e9,
    request_sent_s=0.1,
    first_byte_s=None,
    finished_s=0.5,
    arrivals=((0, 0.2),),
    conversation_key="00ff",
    key_kind="none",
    user_key=None,
    app="",
    inclusion_probability=1.0,
    ended="complete",
    protocol="openai.chat",
)


@bounded
@given(captures)
def test_a_capture_comes_back_as_it_was_sent(capture: Capture) -> None:
    assert Capture.from_bytes(b"".join(capture.to_parts())) == capture


@bounded
@given(captures, st.data())
def test_a_record_that_is_cut_short_or_carries_more_is_refused(capture: Capture, data: st.DataObject) -> None:
    record = b"".join(capture.to_parts())
    with pytest.raises(ValueError):
        Capture.from_bytes(record[: data.draw(st.integers(0, len(record) - 1))])
    with pytest.raises(ValueError):
        Capture.from_bytes(record + b"\0")


@bounded
@given(captures, st.data())
def test_a_changed_byte_gives_a_capture_or_a_value_error_and_nothing_else(
    capture: Capture, data: st.DataObject
) -> None:
    record = bytearray(b"".join(capture.to_parts()))
    record[data.draw(st.integers(0, len(record) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        assert isinstance(Capture.from_bytes(bytes(record)), Capture)


@bounded
@given(st.binary(max_size=300))
def test_any_bytes_give_a_capture_or_a_value_error(data: bytes) -> None:
    for record in (data, b"KC\x02" + data):
        with contextlib.suppress(ValueError):
            assert isinstance(Capture.from_bytes(record), Capture)


def test_another_version_is_refused() -> None:
    record = bytearray(b"".join(A_CAPTURE.to_parts()))
    record[2] += 1
    with pytest.raises(ValueError, match="version"):
        Capture.from_bytes(bytes(record))


@pytest.mark.parametrize(
    "change",
    [
        {"inclusion_probability": 0.0},
        {"inclusion_probability": 1.5},
        {"started_at_s": float("inf")},
        {"started_at_s": float("nan")},
        {"finished_s": float("inf")},
        {"response_head_bytes": 14},
    ],
)
def test_a_value_outside_its_domain_is_refused_by_the_reader(change: dict[str, Any]) -> None:
    capture = dataclasses.replace(A_CAPTURE, **change)
    with pytest.raises(ValueError):
        Capture.from_bytes(b"".join(capture.to_parts()))


@pytest.mark.parametrize(
    "change",
    [{"status": 70000}, {"response_omitted": -1}, {"arrivals": ((0, 0.0),) * 256}, {"arrivals": ((0, 0.0),) * 33}],
)
def test_a_number_that_does_not_fit_its_field_is_refused_by_the_writer(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        dataclasses.replace(A_CAPTURE, **change).to_parts()


def test_no_error_quotes_what_was_captured() -> None:
    record = b"".join(dataclasses.replace(A_CAPTURE, path="/secret-path").to_parts())
    broken = record.replace(b"/secret-path", b"/secret-\xff\xfe\xfd\xfc")
    with pytest.raises(ValueError) as caught:
        Capture.from_bytes(broken)
    shown = repr(caught.value) + str(caught.value.__cause__) + repr(caught.value.args)
    assert "secret" not in shown


def test_truncated_says_that_part_of_either_body_is_missing() -> None:
    assert not A_CAPTURE.truncated
    assert dataclasses.replace(A_CAPTURE, request_truncated=True).truncated
    assert dataclasses.replace(A_CAPTURE, response_omitted=1).truncated
