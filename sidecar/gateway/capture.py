"""The copy of one exchange, and its bytes on the way from a worker to the monitor.

Rules of this file: no I/O and no clock; nothing here looks into a body. What may stand in
the headers is decided by the recorder: a Capture carries only what it was given.

Layout, version 3, little-endian, nothing aligned:

    magic "KC" | version | ended | request truncated | arrivals (bytes) | status (uint16)
    times and probability (float64; NaN where it did not happen)
    omitted, head, request and response bytes (uint64)
    keyed bytes | length of the request's texts, of the answer's (uint32)
    where the answer's first chunks begin (uint64 each) | when they came (float64 each)
    the request's texts | the answer's
    request body | response body

The first time is the start in Unix time, the second the same instant on the worker's clock, and all others are
on that clock: the worker subtracts nothing.

Texts are their number (uint32), the length of each (uint32, all ones: None), then each in
UTF-8. They repeat from request to request, so they are packed apart and packed once. The bodies
stand last, so that they are handed on as they are and read with one slice each.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from sidecar.gateway.observer import TIMED_PIECES, Ended

MAX_ARRIVALS = TIMED_PIECES

_MAGIC = b"KC"
_VERSION = 3
_ENDED: tuple[Ended, ...] = get_args(Ended)
_CODE = {ended: code for code, ended in enumerate(_ENDED)}
_HEAD = struct.Struct("<2s4BH6d4Q3I")
_ARRIVALS = [struct.Struct(f"<{n}Q{n}d") for n in range(MAX_ARRIVALS + 1)]
_COUNT = struct.Struct("<I")
_NOTHING = 0xFFFFFFFF
_NO_TIME = math.nan
_FIXED_TEXTS = 8  # method, path, app, protocol, conversation key, key kind, user key, credential key; headers follow


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
    first chunks, at most ``MAX_ARRIVALS``. Keys are hexadecimal keyed hashes. ``protocol`` is the wire
    format that the path stands for. ``inclusion_probability`` is in (0, 1].

    A worker's record carries only the keys that the headers give: ``key_kind`` is ``header`` or
    empty, ``user_key`` comes from the configured header, ``credential_key`` stands in for a user
    that nobody names. The monitor adds the others, from the first ``keyed_bytes`` of the request.
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
    keyed_bytes: int = 0
    credential_key: str | None = None

    @property
    def truncated(self) -> bool:
        """Whether part of the request or of the answer is missing from the copy."""
        return self.request_truncated or self.response_omitted > 0

    def to_parts(self) -> list[bytes]:
        """The record in pieces; their concatenation is what ``from_bytes`` reads.

        ValueError where a number does not fit its field.
        """
        return [
            *pack(
                request_texts=pack_request(
                    self.method,
                    self.path,
                    self.request_headers,
                    app=self.app,
                    protocol=self.protocol,
                    conversation_key=self.conversation_key,
                    key_kind=self.key_kind,
                    user_key=self.user_key,
                    credential_key=self.credential_key,
                ),
                answer_texts=pack_answer(self.response_headers),
                request_bytes=len(self.request_body),
                request_truncated=self.request_truncated,
                keyed_bytes=self.keyed_bytes,
                status=self.status,
                response_bytes=len(self.response_body),
                response_omitted=self.response_omitted,
                response_head_bytes=self.response_head_bytes,
                started_at_s=self.started_at_s,
                clock_s=0.0,
                request_sent_s=self.request_sent_s,
                first_byte_s=self.first_byte_s,
                finished_s=self.finished_s,
                offsets=[offset for offset, _ in self.arrivals],
                times_s=[at_s for _, at_s in self.arrivals],
                inclusion_probability=self.inclusion_probability,
                ended=self.ended,
            ),
            self.request_body,
            self.response_body,
        ]

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
            request_truncated,
            n_arrivals,
            status,
            started_at_s,
            clock_s,
            request_sent_s,
            first_byte_s,
            finished_s,
            inclusion_probability,
            response_omitted,
            response_head_bytes,
            request_bytes,
            response_bytes,
            keyed_bytes,
            request_texts_bytes,
            answer_texts_bytes,
        ) = _HEAD.unpack_from(data)
        if magic != _MAGIC or version != _VERSION:
            msg = f"need a capture of version {_VERSION}, got something else"
            raise ValueError(msg)
        if ended >= len(_ENDED) or request_truncated > 1 or n_arrivals > MAX_ARRIVALS:
            raise ValueError("an ending, flag or arrival count is outside its domain")
        after_s = [at_s - clock_s for at_s in (request_sent_s, first_byte_s, finished_s)]
        if not (math.isfinite(started_at_s) and math.isfinite(clock_s)) or any(map(math.isinf, after_s)):
            raise ValueError("a time is not finite")
        if not 0.0 < inclusion_probability <= 1.0:
            raise ValueError("the inclusion probability is not in (0, 1]")
        if response_head_bytes > response_bytes:
            raise ValueError("the cut lies outside the response body")
        texts_at = _HEAD.size + _ARRIVALS[n_arrivals].size
        answer_at = texts_at + request_texts_bytes
        at = answer_at + answer_texts_bytes
        if len(data) != at + request_bytes + response_bytes:
            raise ValueError("the record is not as long as its parts")
        arrivals = _ARRIVALS[n_arrivals].unpack_from(data, _HEAD.size)
        asked = _texts(data[texts_at:answer_at])
        if len(asked) < _FIXED_TEXTS:
            raise ValueError("a text of the request is missing")
        method, path, app, protocol, conversation_key, key_kind = (text or "" for text in asked[: _FIXED_TEXTS - 2])
        user_key, credential_key = asked[_FIXED_TEXTS - 2 : _FIXED_TEXTS]
        return cls(
            method=method,
            path=path,
            request_headers=_pairs(asked[_FIXED_TEXTS:]),
            request_body=data[at : at + request_bytes],
            request_truncated=bool(request_truncated),
            status=status,
            response_headers=_pairs(_texts(data[answer_at:at])),
            response_body=data[at + request_bytes :],
            response_omitted=response_omitted,
            response_head_bytes=response_head_bytes,
            started_at_s=started_at_s,
            request_sent_s=_time(after_s[0]),
            first_byte_s=_time(after_s[1]),
            finished_s=_time(after_s[2]),
            arrivals=tuple(
                (offset, at_s - clock_s)
                for offset, at_s in zip(arrivals[:n_arrivals], arrivals[n_arrivals:], strict=True)
            ),
            conversation_key=conversation_key,
            key_kind=key_kind,
            user_key=user_key,
            app=app,
            inclusion_probability=inclusion_probability,
            ended=_ENDED[ended],
            protocol=protocol,
            keyed_bytes=keyed_bytes,
            credential_key=credential_key,
        )


def pack_request(
    method: str,
    path: str,
    headers: Sequence[tuple[str, str]],
    *,
    app: str,
    protocol: str,
    conversation_key: str,
    key_kind: str,
    user_key: str | None,
    credential_key: str | None,
) -> bytes:
    """The request's texts, for ``pack``."""
    fixed = (method, path, app, protocol, conversation_key, key_kind, user_key, credential_key)
    return _packed((*fixed, *(text for header in headers for text in header)))


def pack_answer(headers: Sequence[tuple[str, str]]) -> bytes:
    """The answer's texts, for ``pack``."""
    return _packed([text for header in headers for text in header])


def pack(
    request_texts: bytes,
    answer_texts: bytes,
    request_bytes: int,
    request_truncated: bool,
    keyed_bytes: int,
    status: int,
    response_bytes: int,
    response_omitted: int,
    response_head_bytes: int,
    started_at_s: float,
    clock_s: float,
    request_sent_s: float | None,
    first_byte_s: float | None,
    finished_s: float | None,
    offsets: Sequence[int],
    times_s: Sequence[float],
    inclusion_probability: float,
    ended: Ended,
) -> list[bytes]:
    """A record up to its bodies, in pieces. The fields are those of ``Capture``, but ``arrivals`` apart, as offsets and
    times, and these and the times before them on a clock that showed ``clock_s`` at the start. ValueError where a
    number does not fit.
    """
    try:
        head = _HEAD.pack(
            _MAGIC,
            _VERSION,
            _CODE[ended],
            request_truncated,
            len(offsets),
            status,
            started_at_s,
            clock_s,
            _NO_TIME if request_sent_s is None else request_sent_s,
            _NO_TIME if first_byte_s is None else first_byte_s,
            _NO_TIME if finished_s is None else finished_s,
            inclusion_probability,
            response_omitted,
            response_head_bytes,
            request_bytes,
            response_bytes,
            keyed_bytes,
            len(request_texts),
            len(answer_texts),
        )
        arrivals = _ARRIVALS[len(offsets)].pack(*offsets, *times_s)
    except (struct.error, IndexError) as error:
        msg = f"a number does not fit its field: {error}"
        raise ValueError(msg) from None
    return [head, arrivals, request_texts, answer_texts]


def _packed(texts: Sequence[str | None]) -> bytes:
    encoded = [b"" if text is None else text.encode() for text in texts]
    lengths = [_NOTHING if text is None else len(data) for text, data in zip(texts, encoded, strict=True)]
    return b"".join((struct.pack(f"<{1 + len(texts)}I", len(texts), *lengths), *encoded))


def _texts(data: bytes) -> list[str | None]:
    if len(data) < _COUNT.size:
        raise ValueError("the record's texts are cut short")
    (count,) = _COUNT.unpack_from(data)
    at = _COUNT.size * (1 + count)
    if len(data) < at:
        raise ValueError("the record ends within its own table of lengths")
    texts: list[str | None] = []
    for length in struct.unpack_from(f"<{count}I", data, _COUNT.size):
        if length == _NOTHING:
            texts.append(None)
        else:
            texts.append(_text(data[at : at + length]))
            at += length
    if at != len(data):
        raise ValueError("the record's texts are not as long as they say")
    return texts


def _pairs(texts: Sequence[str | None]) -> tuple[tuple[str, str], ...]:
    if len(texts) % 2:
        raise ValueError("a header has no value")
    known = [text or "" for text in texts]
    return tuple(zip(known[::2], known[1::2], strict=True))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        # The error itself would carry the bytes along.
        msg = f"a text is not UTF-8 at its byte {error.start}"
        raise ValueError(msg) from None


def _time(value: float) -> float | None:
    return None if math.isnan(value) else value
