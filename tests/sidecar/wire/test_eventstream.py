"""Frames come out as the specification says; a broken one is dropped and counted."""

from __future__ import annotations

import itertools
import json
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.eventstream import EventStreamParser


def header(name, value, kind=7):
    length = struct.pack(">H", len(value)) if kind in (6, 7) else b""
    return bytes([len(name)]) + name + bytes([kind]) + length + value


def frame(payload, *headers):
    block = b"".join(headers)
    prelude = struct.pack(">II", 16 + len(block) + len(payload), len(block))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + block + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


def event(kind, payload):
    return frame(payload, header(b":event-type", kind), header(b":message-type", b"event"))


STREAM = event(b"messageStart", b'{"role":"assistant"}') + event(b"metadata", b"{}") + event(b"pulse", b"")
EVENTS = [b'{"messageStart":{"role":"assistant"}}', b'{"metadata":{}}', b'{"pulse":{}}']


@settings(max_examples=200, deadline=None)
@given(cuts=st.sets(st.integers(0, len(STREAM)), max_size=30))
def test_the_events_do_not_depend_on_where_the_network_cut(cuts):
    parser = EventStreamParser()
    bounds = [0, *sorted(cuts), len(STREAM)]
    assert [e for a, b in itertools.pairwise(bounds) for e in parser.feed(STREAM[a:b])] == EVENTS
    assert (parser.close(), parser.oversized) == ([], 0)


def test_the_example_of_the_specification_is_a_frame_of_ours():
    # Prelude of a frame without headers or payload: 16 bytes in all.
    empty = bytes.fromhex("00000010 00000000 05c248eb 7d98c8ff")
    parser = EventStreamParser()
    assert parser.feed(empty) == [b'{"":{}}']
    assert parser.oversized == 0


def test_every_type_of_header_is_stepped_over():
    others = [header(b"a", b"", 0), header(b"b", b"", 1), header(b"c", b"1", 2), header(b"d", b"12", 3), header(b"e", b"1234", 4),
              header(b"f", b"12345678", 5), header(b"g", b"bytes", 6), header(b"h", b"12345678", 8), header(b"i", bytes(16), 9)]  # fmt: skip
    assert EventStreamParser().feed(frame(b"1", *others, header(b":event-type", b"x"))) == [b'{"x":1}']


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ([(b":message-type", b"exception"), (b":exception-type", b"throttlingException")], "throttlingException"),
        ([(b":message-type", b"error"), (b":error-code", b"500"), (b":error-message", b"m")], "500"),
        ([(b":message-type", b"error")], ""),
    ],
)
def test_an_exception_is_an_error_that_says_its_name_and_no_more(headers, name):
    (said,) = EventStreamParser().feed(frame(b'{"message":"secret"}', *(header(*each) for each in headers)))
    assert json.loads(said) == {"error": {"type": name}}


def test_a_frame_with_a_wrong_checksum_is_dropped_and_counted():
    broken = bytearray(event(b"x", b"{}"))
    broken[-1] ^= 1
    parser = EventStreamParser()
    assert parser.feed(bytes(broken) + STREAM) == EVENTS
    assert parser.oversized == 1


def test_behind_a_broken_length_reading_goes_on_at_the_next_frame():
    broken = bytearray(event(b"x", b"{}"))
    broken[2] ^= 1
    parser = EventStreamParser()
    assert parser.feed(bytes(broken) + STREAM) == EVENTS
    assert parser.oversized == 1


@pytest.mark.parametrize("at", range(0, 60, 7))
def test_behind_a_gap_reading_starts_at_the_next_frame(at):
    parser = EventStreamParser()
    parser.feed(STREAM[:30])
    parser.gap()
    rest = event(b"x", b'{"a":"' + b"y" * 60 + b'"}')[at + 1 :] + STREAM
    assert [e for start in range(0, len(rest), 11) for e in parser.feed(rest[start : start + 11])] == EVENTS


def test_headers_that_are_none_drop_their_frame():
    parser = EventStreamParser()
    assert parser.feed(frame(b"{}", b"\x50abc") + STREAM) == EVENTS
    assert parser.oversized == 1


def test_past_its_limit_it_is_full_and_reads_no_more():
    parser = EventStreamParser(max_events=2)
    assert parser.feed(STREAM) == EVENTS[:2]
    assert parser.full
    assert parser.feed(STREAM) == []


@settings(max_examples=200, deadline=None)
@given(
    pieces=st.lists(st.binary(max_size=40) | st.sampled_from([STREAM, STREAM[5:], b"\x0b:event-type\x07"]), max_size=8),
    gap=st.booleans(),
)
def test_no_bytes_raise(pieces, gap):
    parser = EventStreamParser(100)
    for piece in pieces:
        if gap:
            parser.gap()
        parser.feed(piece)
    parser.close()


def delta(number, kind=b"delta"):
    return event(kind, b'{"n":%d}' % number)


def test_among_frames_that_begin_alike_a_broken_one_is_dropped_and_counted():
    frames = [delta(n) for n in range(9)]
    broken = bytearray(frames[5])
    broken[-6] ^= 1
    parser = EventStreamParser()
    events = parser.feed(b"".join([*frames[:5], bytes(broken), *frames[6:]]))
    assert events == [b'{"delta":{"n":%d}}' % n for n in range(9) if n != 5]
    assert parser.oversized == 1


def test_a_frame_of_the_same_lengths_and_other_headers_has_its_own_type():
    frames = [delta(1), delta(2), delta(3, b"other"), delta(4), delta(5, b"other"), delta(6, b"other")]
    kinds = [next(iter(json.loads(each))) for each in EventStreamParser().feed(b"".join(frames))]
    assert kinds == ["delta", "delta", "other", "delta", "other", "other"]


def test_of_frames_that_begin_alike_no_more_than_the_limit_are_read():
    parser = EventStreamParser(max_events=5)
    assert len(parser.feed(delta(1) * 20)) == 5
    assert parser.full


def test_what_has_begun_is_forgotten_before_it_is_much():
    parser = EventStreamParser()
    frames = [event(b"x", b'"%b"' % (b"y" * n)) for n in range(2500)]
    assert len(parser.feed(b"".join(frames))) == 2500
    assert len(parser._begun) <= 1000


def test_an_envelope_makes_the_events_of_payloads():
    parser = EventStreamParser(envelope=lambda kind, payloads: [kind.encode() + payload for payload in payloads])
    assert parser.feed(delta(1) + delta(2) + event(b"end", b"")) == [b'delta{"n":1}', b'delta{"n":2}', b"end{}"]
