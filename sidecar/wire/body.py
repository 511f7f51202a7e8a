"""The bodies of a capture, after content decoding."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sidecar.gateway.capture import MAX_ARRIVALS, Capture
from sidecar.wire import content_encoding
from sidecar.wire.headers import header
from sidecar.wire.json_value import is_bounded, load, salvage


@dataclass(frozen=True, slots=True)
class Body:
    """An answer's body: its beginning and, where its middle is missing, its end.

    ``arrivals`` are (offset in ``head``, seconds after the request's start) of the first
    pieces, ascending. ``cut``: bytes are missing, between the two or after them.
    """

    head: bytes
    tail: bytes
    cut: bool
    arrivals: tuple[tuple[int, float], ...]

    def arrived(self) -> Iterator[tuple[float | None, int]]:
        """``head`` as it arrived: (seconds after the request's start, end of a piece), None where that is not known."""
        starts: list[tuple[int, float | None]] = [(0, None), *self.arrivals, (len(self.head), None)]
        if len(self.arrivals) == MAX_ARRIVALS:
            starts[-2] = (starts[-2][0], None)  # the table was full: what follows its last entry came later
        for (start, at_s), (end, _) in itertools.pairwise(starts):
            if end > start:
                yield at_s, end


def response_body(capture: Capture) -> Body:
    """The answer's body. Behind a gap an encoded body cannot be read on: there ``tail`` is empty."""
    body = capture.response_body
    cut = capture.response_omitted > 0
    head, tail = (body[: capture.response_head_bytes], body[capture.response_head_bytes :]) if cut else (body, b"")
    arrivals = sorted((offset, at_s) for offset, at_s in capture.arrivals if 0 <= offset < len(head))
    encoding = header(capture.response_headers, "content-encoding")
    if not encoding:
        return Body(head, tail, cut, tuple(arrivals))

    bounds = [0, *(offset for offset, _ in arrivals), len(head)]
    media_type = header(capture.response_headers, "content-type").lower()
    is_stream = "event" in media_type or "ndjson" in media_type
    pieces, whole = content_encoding.decode(
        (head[a:b] for a, b in itertools.pairwise(bounds)),
        encoding,
        content_encoding.MAX_STREAM_BYTES if is_stream else content_encoding.MAX_DOCUMENT_BYTES,
    )
    starts = itertools.accumulate(map(len, pieces))
    decoded_arrivals = tuple((start, at_s) for start, (_, at_s) in zip(starts, arrivals, strict=False))
    return Body(b"".join(pieces), b"", cut or not whole, decoded_arrivals)


def request_document(capture: Capture) -> tuple[dict[str, Any], bool]:
    """(the request's JSON object, whether it is whole). Of a cut one, or one too dear to load, what can be recovered.

    Where the server took a body that is no JSON, the copy of it was cut. Where it answered with an
    error, the body said nothing to it, and says nothing here.
    """
    pieces, decoded = content_encoding.decode(
        [capture.request_body],
        header(capture.request_headers, "content-encoding"),
        content_encoding.MAX_DOCUMENT_BYTES,
    )
    body = b"".join(pieces)
    whole = decoded and not capture.request_truncated
    document = load(body) if whole else None
    if document is None and (not whole or capture.status < 400 or not is_bounded(body)):
        document, whole = salvage(body), False
    return (document, whole) if isinstance(document, dict) else ({}, False)
