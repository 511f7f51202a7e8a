"""Heads of requests and answers: read once, and the copy that goes on to the other side.

Rules of this file:

* llhttp (through httptools) says what a valid head is: tokens, CRLF, no folded lines, no
  control characters. It is given exactly the bytes up to the empty line, so it never sees
  a body and there is nothing about the body it could decide differently from ``framing``.
* Only after that the headers that matter here are picked out by a pattern: in a head that
  llhttp accepted, every CRLF ends a line and begins a header.
* The copy keeps the bytes as they came; it only leaves out what concerns one connection
  (RFC 9110 7.6.1) and what the Connection header names. Content-Length and
  Transfer-Encoding stay, because the body goes on in the framing in which it came.
* Clients and servers say nearly the same head over and over on one connection. One that
  differs from the last only in the number of its Content-Length is not read anew
  (``again``): the bytes that decided everything else are the same bytes.
* ``BadHead`` never holds a byte of the message.
"""

from __future__ import annotations

import re

import httptools

from sidecar.gateway.framing import MAX_LENGTH_DIGITS, BadFraming, Framing

Headers = list[tuple[bytes, bytes]]

HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"upgrade",
        b"proxy-authenticate",
        b"proxy-authorization",
    )
)
_SPECIAL = re.compile(
    rb"\r\n(content-length|transfer-encoding|host|"
    + b"|".join(sorted(HOP_BY_HOP, reverse=True))
    + rb"):[ \t]*([^\r\n]*)",
    re.IGNORECASE,
)
_HEADER = re.compile(rb"\r\n([^:\r\n]+):[ \t]*([^\r\n]*)")
_HOST = re.compile(rb"(\r\nhost:[ \t]*)[^\r\n]*", re.IGNORECASE)
_LENGTH = re.compile(rb"(?:^|\n)content-length:[ \t]*([0-9]+)", re.IGNORECASE)

_NEVER_NAMED_AWAY = frozenset((b"host", b"content-length", b"transfer-encoding"))
"""A Connection header that names these would change the message's target or end."""

_PLAIN_OPTIONS = frozenset((b"keep-alive", b"close", b"upgrade", b"te", b""))
"""Connection options that name no header the copy would still hold."""


class BadHead(ValueError):  # noqa: N818 - "bad head" is what it is; an Error suffix adds nothing
    """The head is not HTTP/1.x, or not safely so. The text is ours, never the sender's."""


class _Head:
    """``framing`` is what the head says of the body; ``copy`` the header lines that go on; ``raw`` the
    whole head as it came, which may go on ``as_is`` where the copy leaves nothing out.

    ``noted`` belongs to the observer: what it has read off the head, kept as long as the head stays
    the same but for its Content-Length.
    """

    __slots__ = (
        "_around",
        "_complete",
        "_copy_around",
        "_options",
        "as_is",
        "copy",
        "framing",
        "hosts",
        "http10",
        "keep_alive",
        "noted",
        "raw",
        "upgrade",
    )

    def on_headers_complete(self) -> None:
        """The parser's word that the empty line has come."""
        self._complete += 1

    def _validate(self, parser: httptools.HttpRequestParser | httptools.HttpResponseParser, head: bytes) -> None:
        self.raw = head
        self._around: tuple[bytes, bytes] | None = None  # the number of the Content-Length; read when first needed
        self._copy_around = (b"", b"")  # the same in the copy
        self.noted: object = None
        self._complete = 0
        try:
            parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            pass  # llhttp's word for "what follows may not be HTTP"; the head itself is complete
        except httptools.HttpParserError:
            # Its context is left out on purpose: httptools quotes the offending bytes.
            raise BadHead("not a valid HTTP/1.x head") from None
        if self._complete != 1:
            raise BadHead("not exactly one HTTP/1.x head")

    def _read(self, line_end: int, version: bytes) -> None:
        """``version`` is checked because llhttp also knows HTTP/0.9, HTTP/2.0, RTSP and ICE."""
        head = self.raw
        self.framing = framing = Framing()
        self.upgrade = b""
        self.hosts = 0
        options: list[bytes] = []
        self._options = options
        drop = False
        try:
            for name, value in _SPECIAL.findall(head, line_end):
                key = name.lower()
                if key == b"content-length":
                    framing.content_length(value)
                elif key == b"host":
                    self.hosts += 1
                elif key == b"transfer-encoding":
                    framing.transfer_encoding(value)
                else:
                    drop = True
                    if key == b"connection":
                        options += [option.strip(b" \t").lower() for option in value.split(b",")]
                    elif key == b"upgrade":
                        self.upgrade = value
        except BadFraming as error:
            raise BadHead(str(error)) from None
        self.http10 = version == b"HTTP/1.0"
        if self.http10:
            if framing.chunked:
                raise BadHead("HTTP/1.0 knows no chunks")
            self.keep_alive = b"keep-alive" in options
        elif version == b"HTTP/1.1":
            self.keep_alive = b"close" not in options
        else:
            raise BadHead("neither HTTP/1.1 nor HTTP/1.0")
        self.copy = self._without(frozenset()) if drop else head[line_end + 2 : -2]
        self.as_is = not drop and not self.http10

    def again(self, head: bytes) -> bool:
        """Whether ``head`` is this one but for the number of its Content-Length. If so, this is now that one."""
        if head == self.raw:
            return True
        if self.framing.length is None:
            return False
        if self._around is None:
            self._around, self._copy_around = _around_length(self.raw), _around_length(self.copy)
        before, after = self._around
        digits = head[len(before) : -len(after)]
        if not (head.startswith(before) and head.endswith(after) and digits.isdigit()):
            return False
        if len(digits) > MAX_LENGTH_DIGITS:
            return False
        self.raw = head
        self.framing.length = int(digits)
        self.copy = self._copy_around[0] + digits + self._copy_around[1]
        return True

    @property
    def headers(self) -> Headers:
        """All, as received."""
        return [(name, value.rstrip(b" \t")) for name, value in _HEADER.findall(self.raw)]

    def _without(self, names: frozenset[bytes]) -> bytes:
        """The header lines less those of one connection and ``names``."""
        drop = HOP_BY_HOP | names
        if not _PLAIN_OPTIONS.issuperset(self._options):
            drop |= frozenset(self._options) - _NEVER_NAMED_AWAY
        lines = self.raw.split(b"\r\n")[1:-2]
        return b"".join([line + b"\r\n" for line in lines if line.partition(b":")[0].lower() not in drop])


def _around_length(head: bytes) -> tuple[bytes, bytes]:
    """What stands before and after the number of the Content-Length. Of a head that has one."""
    found = _LENGTH.search(head)
    if found is None:
        raise ValueError("need a head with a Content-Length")
    return head[: found.start(1)], head[found.end(1) :]


class RequestHead(_Head):
    r"""A request's head, from its first byte to the empty line. Raises BadHead.

    ``upgrade`` is the protocol asked for, empty where none is.

    >>> head = RequestHead(b"GET /a%2Fb HTTP/1.1\r\nHost: x\r\nTE: trailers\r\nX-A: 1\r\nx-a: 2\r\n\r\n")
    >>> head.target, head.copy
    (b'/a%2Fb', b'Host: x\r\nX-A: 1\r\nx-a: 2\r\n')
    """

    __slots__ = ("method", "target")

    def __init__(self, head: bytes) -> None:
        self._validate(httptools.HttpRequestParser(self), head)
        line_end = head.find(b"\r\n")
        words = head[:line_end].split(b" ")
        if len(words) != 3 or words[0] != words[0].strip():  # llhttp passes over line ends before the method
            raise BadHead("not one space between method, target and version")
        self.method, self.target, version = words
        self._read(line_end, version)
        if self.method == b"CONNECT":
            raise BadHead("this is not a forward proxy")
        if self.hosts != 1 and (self.hosts or not self.http10):
            raise BadHead("need exactly one Host header")
        if self.upgrade:
            self._check_upgrade()

    def _check_upgrade(self) -> None:
        if self.http10 or b"upgrade" not in self._options:
            self.upgrade = b""
        elif self.framing.chunked or self.framing.length:
            # h2c is offered by some clients with every first request, bodies too; it is no tunnel
            # anybody needs here, so it is left out and the request served. For the rest a body
            # makes it unclear where HTTP ends (GHSA-mfx4-hv73-q22v).
            if self.upgrade.strip(b" \t").lower() != b"h2c":
                raise BadHead("an Upgrade with a body")
            self.upgrade = b""

    def rewrite_host(self, host: bytes) -> None:
        """Names another Host in the copy."""
        self.copy = _HOST.sub(rb"\g<1>" + host.replace(b"\\", rb"\\"), b"\r\n" + self.copy)[2:]


class ResponseHead(_Head):
    r"""An answer's head, from its first byte to the empty line. Raises BadHead.

    ``dechunk`` leaves Transfer-Encoding out of the copy. ``line`` is the status line without
    its version.

    >>> head = ResponseHead(b"HTTP/1.1 200 OK\r\nConnection: x-b\r\nX-B: 1\r\nContent-Length: 2\r\n\r\n")
    >>> head.status, head.line, head.copy, head.framing.length
    (200, b'200 OK', b'Content-Length: 2\r\n', 2)
    """

    __slots__ = ("line", "status")

    def __init__(self, head: bytes, *, dechunk: bool = False) -> None:
        parser = httptools.HttpResponseParser(self)
        self._validate(parser, head)
        self.status = parser.get_status_code()
        line_end = head.find(b"\r\n")
        self._read(line_end, head[:8])
        if self.status < 100:
            raise BadHead("a status below 100")
        self.line = head[9:line_end]
        if dechunk and self.framing.chunked:
            self.copy = self._without(frozenset((b"transfer-encoding",)))
            self.as_is = False
