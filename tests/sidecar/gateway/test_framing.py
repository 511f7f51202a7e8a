"""Bodies end where RFC 9112 says, whole, byte by byte and cut anywhere; what is doubtful is refused."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.framing import BadFraming, ChunkedWalker, CloseWalker, Framing, LengthWalker

FUZZ = settings(max_examples=200, deadline=None)
ROOM = 1000


def walk_all(walker, pieces):
    """Feeds pieces until the walker has finished. Returns bytes of the body, payload, and what is left."""
    body, payload, left = b"", [], b""
    for piece in pieces:
        if walker.finished:
            left += piece
            continue
        taken = walker.walk(piece, payload)
        assert taken == len(piece) or walker.finished
        body, left = body + piece[:taken], left + piece[taken:]
    return body, b"".join(payload), left


def cut(data, places):
    bounds = [0, *sorted({place % (len(data) + 1) for place in places}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(bounds) if a < b]


sizes = st.sampled_from([lambda n: b"%x" % n, lambda n: b"%X" % n, lambda n: b"000%x" % n])
extensions = st.sampled_from([b"", b";a", b';a="b;c"', b";name=value;x"])
trailers = st.sampled_from([b"", b"X-A: 1\r\n", b"x-sum: abc\r\nX-Empty:\r\n"])


@st.composite
def chunked_bodies(draw):
    """(what is on the wire, what it carries)."""
    wire, payload = b"", b""
    for data in draw(st.lists(st.binary(min_size=1, max_size=40), max_size=6)):
        wire += draw(sizes)(len(data)) + draw(extensions) + b"\r\n" + data + b"\r\n"
        payload += data
    return wire + draw(st.sampled_from([b"0", b"000"])) + draw(extensions) + b"\r\n" + draw(trailers) + b"\r\n", payload


@FUZZ
@given(chunked_bodies(), st.binary(max_size=30), st.lists(st.integers(0, 400), max_size=12))
def test_a_chunked_body_ends_at_the_same_byte_however_it_is_cut(body, surplus, places):
    wire, payload = body
    data = wire + surplus
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))], cut(data, places)):
        assert walk_all(ChunkedWalker(ROOM), pieces) == (wire, payload, surplus)


@FUZZ
@given(chunked_bodies(), st.integers(1, 400))
def test_a_chunked_body_that_is_cut_short_is_never_finished(body, missing):
    wire, _ = body
    walker = ChunkedWalker(ROOM)
    walk_all(walker, [wire[:-missing] if missing < len(wire) else b""])
    assert not walker.finished


@FUZZ
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=8))
def test_anything_at_all_is_a_body_a_part_of_one_or_refused_the_same_way_however_cut(data, places):
    def outcome(pieces):
        walker = ChunkedWalker(ROOM)
        try:
            body, payload, _ = walk_all(walker, pieces)
        except BadFraming:
            return "refused"
        return walker.finished, body if walker.finished else b"", payload if walker.finished else b""

    whole = outcome([data])
    assert outcome([data[i : i + 1] for i in range(len(data))]) == whole
    assert outcome(cut(data, places)) == whole


@pytest.mark.parametrize(
    "bad",
    [
        b"\r\n", b"0x3\r\nabc", b"+3\r\nabc", b"-3\r\n", b" 3\r\nabc", b"3 \r\nabc", b"3_0\r\n", b"3\nabc\n", b"3\r\rabc",
        b"g\r\n", b";a\r\n", b"3;a\nb\r\n", b"3;\0\r\n", b"1" + b"0" * 15 + b"\r\n", b"3\r\nabcd\r\n", b"3\r\nabc\n", b"3\r\nabc\r\r\n",
        b"3\r\nabc\r\n\r\n", b"0\r\nno colon\r\n", b"0\r\n folded: 1\r\n", b"0\r\nX-A: \r1\r\n", b"0\r\n\n", b"0\r\nX A: 1\r\n",
        b"3;" + b"x" * 5000, b"0\r\nX: " + b"y" * 2000, b"0\r\n" + b"X: y\r\n" * 300,
    ],
)  # fmt: skip
def test_what_is_not_exactly_chunked_is_refused(bad):
    with pytest.raises(BadFraming):
        walk_all(ChunkedWalker(ROOM), [bad])
    with pytest.raises(BadFraming):
        walk_all(ChunkedWalker(ROOM), [bad[i : i + 1] for i in range(len(bad))])


@pytest.mark.parametrize(
    "data", [b"z", b"5;\0", b" 5", b"5\r\nhello/", b"5\r\nhello\r\r", b"0\r\nX Y", b"0\r\n:", b"5\r5"]
)
def test_the_beginning_of_a_line_that_cannot_become_one_is_refused_before_it_is_passed_on(data):
    with pytest.raises(BadFraming):
        ChunkedWalker(65536).walk(data)


def test_payload_slices_are_not_copied_when_a_piece_is_all_payload():
    payload = []
    piece = b"x" * 1000
    LengthWalker(5000).walk(piece, payload)
    CloseWalker().walk(piece, payload)
    assert all(part is piece for part in payload)
    assert len(payload) == 2


@FUZZ
@given(st.integers(1, 50), st.binary(max_size=100), st.lists(st.integers(0, 100), max_size=5))
def test_a_body_with_a_length_takes_exactly_that_many_bytes(length, data, places):
    walker = LengthWalker(length)
    body, payload, left = walk_all(walker, cut(data, places))
    assert body == payload == data[:length]
    assert left == data[length:]
    assert walker.finished == (len(data) >= length)


def test_only_the_end_of_the_connection_ends_a_body_without_framing():
    walker = CloseWalker()
    assert walk_all(walker, [b"a", b"\r\n0\r\n\r\n"]) == (b"a\r\n0\r\n\r\n", b"a\r\n0\r\n\r\n", b"")
    assert not walker.finished


def framing(*headers):
    found = Framing()
    for name, value in headers:
        found.content_length(value) if name == "length" else found.transfer_encoding(value)
    return found


@pytest.mark.parametrize(
    ("headers", "status", "to_head", "kind"),
    [
        ([], 200, False, CloseWalker),
        ([("length", b"3")], 200, False, LengthWalker),
        ([("length", b" 3\t")], 200, False, LengthWalker),
        ([("length", b"0")], 200, False, type(None)),
        ([("encoding", b"Chunked ")], 200, False, ChunkedWalker),
        ([("length", b"3")], 200, True, type(None)),
        ([("encoding", b"chunked")], 200, True, type(None)),
        ([("length", b"3")], 304, False, type(None)),
        ([("length", b"3")], 204, False, type(None)),
        ([], 204, False, type(None)),
        ([], 500, False, CloseWalker),
    ],
)
def test_the_framing_of_an_answer_follows_from_its_head_and_its_request(headers, status, to_head, kind):
    found = framing(*headers)
    assert type(found.response_body(to_head=to_head, status=status, max_trailer_bytes=ROOM)) is kind


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ([], type(None)),
        ([("length", b"0")], type(None)),
        ([("length", b"007")], LengthWalker),
        ([("encoding", b"chunked")], ChunkedWalker),
    ],
)
def test_a_request_has_a_body_only_if_its_head_says_so(headers, kind):
    assert type(framing(*headers).request_body(ROOM)) is kind


@pytest.mark.parametrize(
    "headers",
    [
        [("length", b"3"), ("length", b"3")],
        [("length", b"3"), ("encoding", b"chunked")],
        [("encoding", b"chunked"), ("length", b"3")],
        [("encoding", b"chunked"), ("encoding", b"chunked")],
        [("encoding", b"gzip, chunked")],
        [("encoding", b"chunked, identity")],
        [("encoding", b"identity")],
        [("encoding", b"xchunked")],
        [("encoding", b"")],
        [("length", b"")],
        [("length", b"-1")],
        [("length", b"+1")],
        [("length", b"0x1")],
        [("length", b"1_0")],
        [("length", b"1 0")],
        [("length", b"3, 3")],
        [("length", "٣".encode())],
        [("length", b"1" * 19)],
    ],
)
def test_ambiguous_framing_headers_are_refused(headers):
    with pytest.raises(BadFraming):
        framing(*headers)


def test_a_refusal_never_quotes_what_it_refuses():
    for bad in (b"SECRET\r\n", b"SECRET" * 1000, b"\rSECRET", b"3\r\nSECRET\n", b"0\r\nSECRET\r\n"):
        with pytest.raises(BadFraming, match=r"^(?!.*SECRET)"):
            walk_all(ChunkedWalker(ROOM), [bad])
