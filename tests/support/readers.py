"""Two readers of HTTP/1.1 requests that agree only on what nobody can misread.

The strict one follows RFC 9112 to the letter. The lenient one stands for every careless server: it ends
lines at a bare LF or CR, takes spaces before a colon, the last of several lengths, and chunks where ``chunked``
appears anywhere. If both read the same requests out of what a proxy sent on, no server behind it will read
others.
"""

import re
from dataclasses import dataclass

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
STRICT_LINE = re.compile(rb"(%b) ([!-\xff]+) HTTP/1\.([01])" % TOKEN)
STRICT_FIELD = re.compile(rb"(%b):[ \t]*([^\0\r\n]*)" % TOKEN)
STRICT_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(;[^\r\n\0]*)?\r\n")


class Unreadable(Exception):  # noqa: N818 - it says what it is
    """Not a request to this reader."""


class Unfinished(Exception):  # noqa: N818 - as above
    """The bytes end within a request."""


@dataclass(frozen=True)
class Request:
    """What a server would act on. ``end``: how many bytes it took."""

    method: bytes
    target: bytes
    body: bytes
    end: int


def requests(read, data):
    """(whole requests, how the reading ended: ``end``, ``unfinished`` or ``unreadable``)."""
    found = []
    while data:
        if data.startswith(b"\r\n"):  # RFC 9112 2.2: an empty line before a request is passed over
            data = data[2:]
            continue
        try:
            found.append(read(data))
        except Unfinished:
            return found, "unfinished"
        except Unreadable:
            return found, "unreadable"
        data = data[found[-1].end :]
    return found, "end"


def strict(data):
    """The first request. Raises Unreadable or Unfinished."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        raise Unfinished
    first, *lines = data[:end].split(b"\r\n")
    line = STRICT_LINE.fullmatch(first)
    fields = [STRICT_FIELD.fullmatch(each) for each in lines]
    if line is None or not all(fields):
        raise Unreadable
    named = [(field[1].lower(), field[2].strip(b" \t")) for field in fields]
    lengths = [value for name, value in named if name == b"content-length"]
    codings = [value.lower() for name, value in named if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1 or codings not in ([], [b"chunked"]) or not all(map(bytes.isdigit, lengths)):
        raise Unreadable
    hosts = [name for name, _ in named].count(b"host")
    if hosts > 1 or (hosts == 0 and line[3] == b"1"):
        raise Unreadable
    at = end + 4
    if codings:
        body, at = _chunks(data, at)
    else:
        size = int(lengths[0]) if lengths else 0
        if len(data) - at < size:
            raise Unfinished
        body, at = data[at : at + size], at + size
    return Request(line[1], line[2], body, at)


def _chunks(data, at):
    body = b""
    while True:
        size = STRICT_SIZE.match(data, at)
        if size is None:
            raise Unfinished if b"\n" not in data[at:] else Unreadable
        at = size.end()
        count = int(size[1], 16)
        if count == 0:
            break
        if len(data) < at + count + 2:
            raise Unfinished
        if data[at + count : at + count + 2] != b"\r\n":
            raise Unreadable
        body += data[at : at + count]
        at += count + 2
    while not data.startswith(b"\r\n", at):
        end = data.find(b"\r\n", at)
        if end < 0:
            raise Unfinished
        if STRICT_FIELD.fullmatch(data[at:end]) is None:
            raise Unreadable
        at = end + 2
    return body, at + 2


LENIENT_END = re.compile(rb"(\r\n|\n|\r(?!\n))(\r\n|\n|\r(?!\n))")


def lenient(data):
    """The first request, as carelessly as any server reads one."""
    blank = LENIENT_END.search(data)
    if blank is None:
        raise Unfinished
    first, *lines = re.split(rb"\r\n|\n|\r", data[: blank.start()])
    words = first.split()
    if len(words) < 2:
        raise Unreadable
    length, chunked = 0, False
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.strip().lower()
        if name == b"content-length":
            digits = re.search(rb"\d+", value)
            length = int(digits[0]) if digits else 0
        elif name == b"transfer-encoding" and b"chunked" in value.lower():
            chunked = True
    at = blank.end()
    if not chunked:
        if len(data) - at < length:
            raise Unfinished
        return Request(words[0], words[1], data[at : at + length], at + length)
    body = b""
    while True:
        end = data.find(b"\n", at) + 1
        if not end:
            raise Unfinished
        digits = re.match(rb"[ \t]*(?:0[xX])?([0-9A-Fa-f]+)", data[at:end])
        if digits is None:
            raise Unreadable
        at, count = end, int(digits[1], 16)
        if count == 0:
            break
        if len(data) < at + count + 1:
            raise Unfinished
        body += data[at : at + count]
        at += count
        at = at + 2 if data.startswith(b"\r\n", at) else at + 1
    while True:
        end = data.find(b"\n", at) + 1
        if not end:
            raise Unfinished
        line, at = data[at:end], end
        if not line.strip():
            return Request(words[0], words[1], body, at)
