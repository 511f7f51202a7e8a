"""Seeded mutations of bytes: the kind of damage by which parsers of HTTP come to disagree."""

import itertools

TOKENS = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\r\n", b" ", b"\t", b"\x0b", b"\0", b"\x7f", b"\xff", b"\xc3\xa9", b":",
    b" :", b";", b",", b"+", b"-", b"_", b"0x", b"0", b"5", b"a", b"A", b"ffffffffffffffff", b"18446744073709551616", b"1e1",
    b"0\r\n\r\n", b"5\r\nhello\r\n", b"5;x=y\r\nhello\r\n", b"00\r\nX: y\r\n\r\n",
    b"Transfer-Encoding: chunked\r\n", b"transfer-encoding:chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
    b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding:\x0bchunked\r\n", b"Transfer-Encoding: identity\r\n",
    b"Content-Length: 5\r\n", b"content-length:5\r\n", b"Content-Length: 5, 5\r\n", b"Content-Length: +5\r\n",
    b"Content-Length: 0\r\n", b"Content-Length : 5\r\n", b"Content_Length: 5\r\n", b"Content-Length: 5 \r\n",
    b"Host: other\r\n", b"Connection: close\r\n", b"Connection: content-length, host\r\n", b"Connection: keep-alive\r\n",
    b"Connection: Upgrade\r\nUpgrade: websocket\r\n", b"Expect: 100-continue\r\n", b"TE: trailers\r\n", b" folded\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n12345",
    b"HTTP/1.0", b"HTTP/1.1", b"HTTP/2.0", b"HTTP/0.9", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"CONNECT x:1",
    b"http://other/", b"//", b"#", b"?", b"%00", b"%0d%0a", b"chunked", b"Chunked", b"xchunked", b"chunked,",
)  # fmt: skip


def mutated(rng, corpus):
    """A member of ``corpus``, damaged in one to four places; now and then whole."""
    data = bytearray(rng.choice(corpus))
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        _damage(rng, data, corpus)
    return bytes(data)


def _damage(rng, data, corpus):
    at = rng.randrange(len(data) + 1)
    match rng.randrange(8):
        case 0 | 1 | 2:
            data[at:at] = rng.choice(TOKENS)
        case 3:  # in place of a line, or after one
            line = data.find(b"\r\n", at) + 2
            data[line:line] = rng.choice(TOKENS)
        case 4:
            del data[at : at + rng.choice((1, 1, 2, 5, 20))]
        case 5:
            data[at : at + 1] = bytes([rng.randrange(256)])
        case 6:
            end = at + rng.randrange(1, 60)
            data[end:end] = data[at:end]
        case 7:
            data[at:] = rng.choice(corpus)


def pieces(rng, data):
    """``data`` cut at up to three random places."""
    cuts = sorted({rng.randrange(len(data) + 1) for _ in range(rng.randrange(4))} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(cuts)]
