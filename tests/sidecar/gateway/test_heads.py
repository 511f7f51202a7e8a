"""Heads: what is read of them, what goes on, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.heads import BadHead, RequestHead, ResponseHead

FUZZ = settings(max_examples=200, deadline=None)
TOKEN = st.text("abcdefXYZ-_.!#$%&'*+^`|~019", min_size=1, max_size=12).map(lambda text: "X" + text)
VALUE = st.binary(max_size=30).map(lambda raw: bytes(c for c in raw if c >= 0x20 and c != 0x7F).strip())


def request(*lines, first=b"GET / HTTP/1.1", host=b"Host: m"):
    return b"\r\n".join((first, host, *lines, b"", b""))


@FUZZ
@given(st.lists(st.tuples(TOKEN, VALUE, st.sampled_from([b"", b" ", b"\t "])), max_size=8))
def test_end_to_end_headers_go_on_with_their_very_bytes(fields):
    lines = [name.encode() + b":" + space + value for name, value, space in fields]
    assert RequestHead(request(*lines)).copy == b"".join(line + b"\r\n" for line in (b"Host: m", *lines))
    answer = b"\r\n".join((b"HTTP/1.1 200 OK", *lines, b"", b""))
    assert ResponseHead(answer).copy == b"".join(line + b"\r\n" for line in lines)
    assert ResponseHead(answer).headers == [(name.encode(), value) for name, value, _ in fields]


@FUZZ
@given(st.lists(st.tuples(TOKEN, VALUE), max_size=6), st.data())
def test_what_connection_names_is_left_out_and_nothing_else(fields, data):
    named = data.draw(st.lists(st.sampled_from([name for name, _ in fields] or ["X"]), max_size=3))
    lines = [name.encode() + b": " + value for name, value in fields]
    connection = b"CONNECTION: " + b" ,".join(name.swapcase().encode() for name in named)
    kept = [
        line for (name, _), line in zip(fields, lines, strict=True) if name.lower() not in {n.lower() for n in named}
    ]
    head = RequestHead(request(*lines, connection, b"TE: x", b"Keep-Alive: 1", b"Upgrade: h9"))
    assert head.copy == b"".join(line + b"\r\n" for line in (b"Host: m", *kept))


@FUZZ
@given(st.binary(max_size=120))
def test_any_bytes_are_a_head_or_a_refusal_that_does_not_quote_them(data):
    head = data.replace(b"\r\n\r\n", b"") + b"SECRET\r\n\r\n"
    for kind in (RequestHead, ResponseHead):
        for prefix in (b"", b"GET / HTTP/1.1\r\nHost: m\r\n", b"HTTP/1.1 200 OK\r\n"):
            try:
                kind(prefix + head)
            except BadHead as error:
                refused = str(error)
            else:
                refused = ""
            assert "SECRET" not in refused


def test_connection_cannot_name_away_host_or_framing():
    head = RequestHead(request(b"Connection: host, content-length", b"Content-Length: 3"))
    assert head.copy == b"Host: m\r\nContent-Length: 3\r\n"


@pytest.mark.parametrize(
    ("version", "connection", "keep_alive"),
    [
        (b"1.1", b"", True),
        (b"1.1", b"Connection: Close", False),
        (b"1.1", b"Connection: x, close", False),
        (b"1.0", b"", False),
        (b"1.0", b"Connection: Keep-Alive", True),
    ],
)
def test_who_keeps_the_connection_follows_from_version_and_connection(version, connection, keep_alive):
    lines = [connection] if connection else []
    assert RequestHead(request(*lines, first=b"GET / HTTP/" + version)).keep_alive is keep_alive
    assert ResponseHead(b"\r\n".join((b"HTTP/" + version + b" 200 OK", *lines, b"", b""))).keep_alive is keep_alive


def test_an_upgrade_counts_only_when_connection_asks_for_it():
    assert RequestHead(request(b"Upgrade: websocket")).upgrade == b""
    assert RequestHead(request(b"Upgrade: websocket", b"Connection: Upgrade")).upgrade == b"websocket"
    assert RequestHead(request(b"Upgrade: websocket", b"Connection: Upgrade", b"Content-Length: 0")).upgrade


def test_a_rewritten_host_replaces_the_value_alone():
    head = RequestHead(b"GET / HTTP/1.1\r\nX-Host: a\r\nhOsT:  m\r\nX: b\r\n\r\n")
    head.rewrite_host(rb"up\1stream:8")
    assert head.copy == b"X-Host: a\r\nhOsT:  " + rb"up\1stream:8" + b"\r\nX: b\r\n"


def test_chunks_that_are_unpacked_are_not_announced():
    head = ResponseHead(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: 1\r\n\r\n", dechunk=True)
    assert head.copy == b"X: 1\r\n"


AGAIN = b"POST /v1/x HTTP/1.1\r\nHost: m\r\nX-A: 1\r\nContent-length:  %b \r\nX-B: content-length: 4\r\n%b\r\n"


@pytest.mark.parametrize("connection", [b"", b"Connection: keep-alive, x-a\r\n"])
def test_a_head_that_differs_in_its_content_length_only_is_the_same_head_again(connection):
    head = RequestHead(AGAIN % (b"12", connection))
    head.noted = "kept"
    for digits in (b"12", b"7", b"0012345", b"0"):
        raw = AGAIN % (digits, connection)
        anew = RequestHead(raw)
        assert head.again(raw)
        assert (head.raw, head.copy, head.headers) == (anew.raw, anew.copy, anew.headers)
        assert (head.framing.length, head.as_is, head.keep_alive) == (anew.framing.length, anew.as_is, anew.keep_alive)
        assert head.noted == "kept"


@pytest.mark.parametrize(
    "other",
    [
        AGAIN.replace(b"X-A: 1", b"X-A: 2") % (b"12", b""),
        AGAIN.replace(b"X-B: c", b"X-B: C") % (b"12", b""),
        AGAIN.replace(b"X-B", b"TE ") % (b"7", b""),
        AGAIN.replace(b"POST", b"GET") % (b"12", b""),
        AGAIN % (b"12", b"X-C: 1\r\n"),
        AGAIN % (b"-1", b""),
        AGAIN % (b"1 2", b""),
        AGAIN % (b"", b""),
        AGAIN % (b"1" * 19, b""),
        AGAIN % (b"1\r\nContent-Length: 2", b""),
        AGAIN % (b"1\r\nTransfer-Encoding: chunked", b""),
        (AGAIN % (b"1", b""))[:-2],
        b"\r\n\r\n",
    ],
)
def test_every_other_head_is_read_anew(other):
    head = RequestHead(AGAIN % (b"12", b""))
    before = (head.raw, head.copy, head.framing.length)
    assert not head.again(other)
    assert (head.raw, head.copy, head.framing.length) == before


def test_a_head_without_a_length_is_the_same_again_only_byte_for_byte():
    head = ResponseHead(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert head.again(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    assert not head.again(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n")
    assert not head.again(b"HTTP/1.1 201 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("lines", "as_is"),
    [((b"X-A: 1", b"Content-Length: 3"), True), ((b"Connection: close",), False), ((b"TE: trailers",), False)],
)
def test_a_head_goes_on_as_it_is_where_nothing_is_left_out(lines, as_is):
    head = RequestHead(request(*lines))
    assert head.as_is is as_is
    assert head.as_is is (head.raw == b"GET / HTTP/1.1\r\n" + head.copy + b"\r\n")
    assert not RequestHead(request(first=b"GET / HTTP/1.0")).as_is


@pytest.mark.parametrize("before", [b"\n", b"\r\n", b"\n\n", b"\r"])
def test_line_ends_before_the_method_are_refused_though_the_parser_passes_over_them(before):
    with pytest.raises(BadHead):
        RequestHead(before + b"HEAD / HTTP/1.1\r\nHost: m\r\n\r\n")
