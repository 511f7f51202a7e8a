"""Encoded copies are decoded within bounds; what is broken is kept as far as it goes."""

from __future__ import annotations

import gzip
import itertools
import zlib

import brotli
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.content_encoding import FREE_BYTES, MAX_RATIO, decode

TEXT = b"Once upon a time. " * 300


def bare_deflate(data):
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


ENCODERS = [("gzip", gzip.compress), ("X-GZip", gzip.compress), ("deflate", zlib.compress), ("deflate", bare_deflate),
            ("br", brotli.compress), ("zstd", zstd.compress), ("identity", bytes), ("", bytes)]  # fmt: skip


@pytest.mark.parametrize(("name", "encode"), ENCODERS)
def test_an_encoding_is_undone_whole_and_in_pieces(name, encode):
    encoded = encode(TEXT)
    assert decode([encoded], name) == ([TEXT], True)
    pieces, whole = decode([encoded[at : at + 7] for at in range(0, len(encoded), 7)], name)
    assert b"".join(pieces) == TEXT
    assert whole


def test_encodings_are_undone_in_the_reverse_of_their_order():
    assert decode([gzip.compress(zlib.compress(TEXT))], "deflate, gzip") == ([TEXT], True)


def test_a_gzip_of_several_members_is_read_to_its_end():
    assert decode([gzip.compress(TEXT) + gzip.compress(b"more")], "gzip") == ([TEXT + b"more"], True)


def test_a_cut_stream_gives_what_came():
    pieces, whole = decode([gzip.compress(TEXT)[:-20]], "gzip")
    assert whole  # as far as it goes
    assert TEXT.startswith(b"".join(pieces))
    assert b"".join(pieces)


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd", "rot13"])
def test_a_wrong_or_unknown_encoding_is_lost_and_does_not_raise(name):
    pieces, whole = decode([b"\x1f\x8b this is no such thing"], name)
    assert not whole
    assert b"".join(pieces) == b""


@pytest.mark.parametrize(
    ("name", "encode"), [("gzip", gzip.compress), ("br", brotli.compress), ("zstd", zstd.compress)]
)
def test_a_bomb_is_stopped_at_the_ratio(name, encode):
    bomb = encode(bytes(64 << 20))
    pieces, whole = decode([bomb], name)
    assert not whole
    assert sum(map(len, pieces)) <= FREE_BYTES + MAX_RATIO * len(bomb)


def test_a_bomb_within_a_bomb_is_stopped_too():
    bomb = gzip.compress(gzip.compress(bytes(64 << 20)))
    pieces, whole = decode([bomb], "gzip, gzip")
    assert not whole
    assert sum(map(len, pieces)) <= FREE_BYTES + MAX_RATIO * len(bomb)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), name=st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "x", ","]))
def test_no_bytes_raise(data, name):
    decode([data[a:b] for a, b in itertools.pairwise([0, len(data) // 2, len(data)])], name)


def test_members_past_the_thousandth_are_lost():
    few, many = gzip.compress(b"") * 999 + gzip.compress(TEXT), gzip.compress(b"") * 1000 + gzip.compress(TEXT)
    assert decode([few], "gzip") == ([TEXT], True)
    assert decode([many], "gzip") == ([], False)
