"""Every exchange of the corpus is decoded to what it is, however the network cut it."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import random
import zlib

import brotli
from backports import zstd

from sidecar.gateway.capture import MAX_ARRIVALS
from sidecar.wire.base import decode, formats


def test_a_case_decodes_to_its_exchange(case, as_plain):
    assert as_plain(decode(case.capture)) == case.expected


def test_a_stream_cut_at_every_byte_is_the_same_exchange(stream_case):
    whole = decode(stream_case.capture)
    bytewise = dataclasses.replace(stream_case.capture, arrivals=tuple(_each_byte(stream_case)))
    assert decode(bytewise) == whole


def test_a_stream_cut_at_200_random_places_is_the_same_exchange(stream_case):
    each_byte = _each_byte(stream_case)
    whole = decode(stream_case.capture)
    starts = {offset for offset, _ in stream_case.capture.arrivals}
    rng = random.Random(f"{stream_case.protocol}/{stream_case.name}")
    for pieces in (1, 2, 3, 5, 8, 13, 21, 34, 55, 58):  # 200 in all
        kept = {rng.randrange(len(each_byte) + 1) for _ in range(pieces)}
        recut = tuple(arrival for arrival in each_byte if arrival[0] in kept | starts)
        # A full table says that more came later, and here nothing did: one piece less, then.
        in_head = [offset for offset, _ in recut if offset < stream_case.capture.response_head_bytes]
        spare = set(in_head) - starts
        if len(in_head) == MAX_ARRIVALS and spare:
            recut = tuple(arrival for arrival in recut if arrival[0] != min(spare))
        assert decode(dataclasses.replace(stream_case.capture, arrivals=recut)) == whole


def test_an_encoded_answer_is_the_same_exchange(case):
    body = case.capture.response_body
    if case.capture.response_omitted:
        return  # behind a gap an encoded body cannot be read; test_answer.py holds that
    encodings = (
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("zstd", zstd.compress),
    )
    for name, encode in encodings:
        encoded = encode(body)
        capture = dataclasses.replace(
            case.capture,
            response_body=encoded,
            response_headers=(*case.capture.response_headers, ("content-encoding", name)),
            arrivals=(),
        )
        unknown_time = dataclasses.replace(case.capture, arrivals=())
        assert decode(capture) == decode(unknown_time)


def test_line_ends_make_no_difference_to_a_stream(stream_case):
    if stream_case.kind != "sse" or b"\r" in stream_case.capture.response_body or stream_case.capture.response_omitted:
        return
    for line_end in (b"\r\n", b"\r"):
        body = stream_case.capture.response_body.replace(b"\n", line_end)
        capture = dataclasses.replace(
            stream_case.capture, response_body=body, response_head_bytes=len(body), arrivals=()
        )
        same = dataclasses.replace(stream_case.capture, arrivals=())
        assert decode(capture) == decode(same)


def test_a_stream_that_the_server_cut_is_truncated_and_never_raises(stream_case):
    body = stream_case.capture.response_body
    for end in range(0, len(body), max(1, len(body) // 60)):
        cut = dataclasses.replace(
            stream_case.capture,
            response_body=body[:end],
            response_omitted=0,
            response_head_bytes=end,
            ended="upstream_cut",
        )
        assert decode(cut).truncated


def test_every_format_has_its_cases(corpus):
    for wire_format in formats():
        names = {case.name for case in corpus if case.protocol == wire_format.name}
        assert len(names) >= 12, wire_format.name


def _each_byte(case):
    """An arrival a byte, at the time at which the byte's block came."""
    ends = itertools.accumulate(map(len, case.blocks))
    starts = [0, *ends]
    return [
        (offset, at_s)
        for (_, at_s), (start, end) in zip(case.capture.arrivals, itertools.pairwise(starts), strict=True)
        for offset in range(start, end)
    ]
