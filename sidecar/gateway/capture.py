"""The copy of one exchange, and its bytes on the way from a worker to the monitor.

Rules of this file: no I/O and no clock; nothing here looks into a body. What may stand in
the headers is decided by the recorder: a Capture carries only what it was given.

Layout, version 1, little-endian, nothing aligned:

    magic "KC" | version | ended | flags | arrivals (bytes) | status | request headers | response headers (uint16)
    times and probability (float64; NaN where it did not happen)
    omitted, head, request and response bytes (uint64)
    arrivals as (uint64 offset, float64 seconds)
    length of each text (uint32), the texts in UTF-8
    request body | response body

The bodies stand last, so that they are handed on as they are and read with one slice each.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import get_args

from sidecar.gateway.observer import Ended

MAX_ARRIVALS = 64

_MAGIC = b"KC"
_VERSION = 1
_ENDED: tuple[Ended, ...] = get_args(Ended)
_HEAD = struct.Struct("<2s4BHHH5d4Q")
_ARRIVAL = struct.Struct("<Qd")
_NO_TIME = math.nan
_REQUEST_TRUNCATED = 1
_HAS_USER = 2
_FIXED_TEXTS = 6  # method, path, conversation key, key kind, app, protocol; the user key follows if there is one


@dataclass(frozen=True, slots=True)
class Capture:
    """One exchange as the relay saw it.

    ``path`` has no query string. Header names are lower case, values as sent (Latin-1).
    Bodies are after transfer decoding and before content decoding. Where the answer was
    too long, ``response_omitted`` bytes are missing after the first
    ``response_head_bytes`` of ``response_body``. ``started_at_s`` is Unix time of the
    request's start; ``request_sent_s`` (its last byte was sent on), ``first_byte_s`` (of
    the answer's body) and ``finished_s`` are seconds after it, None where it did not
    happen. ``arrivals`` are (offset in the answer's body, seconds after the start) of its
    first chunks, at most 64. Keys are hexadecimal keyed hashes. ``protocol`` is the wire
    format that the path stands for. ``inclusion_probability`` is in (0, 1].
    """

    method: str
    path: str
    request_headers: tuple[tuple[str, str], ...]
    request_body: bytes
    request_truncated: bool
    status: int
    response_headers: tuple[tuple[str, str], ...]
    response_body: bytes
    response_omitted: int
    response_head_bytes: int
    started_at_s: float
    request_sent_s: float | None
    first_byte_s: float | None
    finished_s: float | None
    arrivals: tuple[tuple[int, float], ...]
    conversation_key: str
    key_kind: str
    user_key: str | None
    app: str
    inclusion_probability: float
    ended: Ended
    protocol: str

    @property
    def truncated(self) -> bool:
        """Whether part of the request or of the answer is missing from the copy."""
        return self.request_truncated or self.response_omitted > 0

    def to_parts(self) -> list[bytes]:
        """The record in pieces; their concatenation is what ``from_bytes`` reads.

        ValueError where a number does not fit its field.
        """
        texts = [self.method, self.path, self.conversation_key, self.key_kind, self.app, self.protocol]
        flags = _REQUEST_TRUNCATED if self.request_truncated else 0
        if self.user_key is not None:
            flags |= _HAS_USER
            texts.append(self.user_key)
        for name, value in (*self.request_headers, *self.response_headers):
            texts += (name, value)
        encoded = [text.encode() for text in texts]
        try:
            head = _HEAD.pack(
                _MAGIC,
                _VERSION,
                _ENDED.index(self.ended),
                flags,
                len(self.arrivals),
                self.status,
                len(self.request_headers),
                len(self.response_headers),
                self.started_at_s,
                _NO_TIME if self.request_sent_s is None else self.request_sent_s,
                _NO_TIME if self.first_byte_s is None else self.first_byte_s,
                _NO_TIME if self.finished_s is None else self.finished_s,
                self.inclusion_probability,
                self.response_omitted,
                self.response_head_bytes,
                len(self.request_body),
                len(self.response_body),
            )
            arrivals = b"".join(_ARRIVAL.pack(offset, at_s) for offset, at_s in self.arrivals)
            lengths = struct.Struct(f"<{len(encoded)}I").pack(*map(len, encoded))
        except struct.error as error:
            msg = f"a number does not fit its field: {error}"
            raise ValueError(msg) from None
        return [b"".join((head, arrivals, lengths, *encoded)), self.request_body, self.response_body]

    @classmethod
    def from_bytes(cls, data: bytes) -> Capture:
        """The inverse of ``to_parts``. ValueError on anything else; its text quotes no content."""
        if len(data) < _HEAD.size:
            msg = f"need at least {_HEAD.size} bytes, got {len(data)}"
            raise ValueError(msg)
        (
            magic,
            version,
            ended,
            flags,
            n_arrivals,
            status,
            n_request_headers,
            n_response_headers,
            started_at_s,
            request_sent_s,
            first_byte_s,
            finished_s,
            inclusion_probability,
            response_omitted,
            response_head_bytes,
            request_bytes,
            response_bytes,
        ) = _HEAD.unpack_from(data)
        if magic != _MAGIC or version != _VERSION:
            msg = f"need a capture of version {_VERSION}, got something else"
            raise ValueError(msg)
        if ended >= len(_ENDED) or flags > _REQUEST_TRUNCATED | _HAS_USER or n_arrivals > MAX_ARRIVALS:
            raise ValueError("an ending, flag or arrival count is outside its domain")
        if not math.isfinite(started_at_s) or any(map(math.isinf, (request_sent_s, first_byte_s, finished_s))):
            raise ValueError("a time is not finite")
        if not 0.0 < inclusion_probability <= 1.0:
            raise ValueError("the inclusion probability is not in (0, 1]")
        if response_head_bytes > response_bytes:
            raise ValueError("the cut lies outside the response body")

        fixed = _FIXED_TEXTS + (1 if flags & _HAS_USER else 0)
        n_texts = fixed + 2 * (n_request_headers + n_response_headers)
        lengths_at = _HEAD.size + n_arrivals * _ARRIVAL.size
        at = lengths_at + 4 * n_texts
        if len(data) < at:
            raise ValueError("the record ends within its own table of lengths")
        lengths = struct.Struct(f"<{n_texts}I").unpack_from(data, lengths_at)
        if len(data) != at + sum(lengths) + request_bytes + response_bytes:
            raise ValueError("the record is not as long as its parts")
        texts = []
        for length in lengths:
            texts.append(_text(data[at : at + length]))
            at += length
        headers = tuple(zip(texts[fixed::2], texts[fixed + 1 :: 2], strict=True))
        return cls(
            method=texts[0],
            path=texts[1],
            request_headers=headers[:n_request_headers],
            request_body=data[at : at + request_bytes],
            request_truncated=bool(flags & _REQUEST_TRUNCATED),
            status=status,
            response_headers=headers[n_request_headers:],
            response_body=data[at + request_bytes :],
            response_omitted=response_omitted,
            response_head_bytes=response_head_bytes,
            started_at_s=started_at_s,
            request_sent_s=_time(request_sent_s),
            first_byte_s=_time(first_byte_s),
            finished_s=_time(finished_s),
            arrivals=tuple(_ARRIVAL.iter_unpack(data[_HEAD.size : lengths_at])),
            conversation_key=texts[2],
            key_kind=texts[3],
            user_key=texts[6] if flags & _HAS_USER else None,
            app=texts[4],
            inclusion_probability=inclusion_probability,
            ended=_ENDED[ended],
            protocol=texts[5],
        )


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # The error itself would carry the bytes along.
        msg = f"a text is not UTF-8 at its byte {error.start}"
        raise ValueError(msg) from None


def _time(value: float) -> float | None:
    return None if math.isnan(value) else value
