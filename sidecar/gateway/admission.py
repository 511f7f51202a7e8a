"""Which exchanges are looked at, and whose they are.

Rules of this file: pure; the decision depends on who speaks and never on what is answered.
Copying what fits and dropping what does not would favour short answers, and refusals are
short: the watched rate itself would move. So when room gets scarce fewer conversations are
looked at, each as a whole, and the share is recorded for weighting.

A key is the first 8 bytes of an HMAC-SHA256 under the install key: it tells two apart and
says nothing about either. Every input of the HMAC has its length before it, and each
purpose its own first input, so no two different things share a key by construction.

Ids that a client sends are believed only if the operator says so: with one id for all,
somebody could make a thousand attempts count as one conversation.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from typing import Literal

from sidecar.gateway.scanner import Scan
from sidecar.settings import CaptureSettings

KeyKind = Literal["header", "body", "previous_response", "first_message", "none"]
Headers = Mapping[bytes, bytes]
"""Request headers by lower-case name."""

KEY_BYTES = 8

_CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
_SCARCE = 0.5
_STEP = 0.05


def inclusion_probability(sample: float, ring_fill: float, budget_fill: float) -> float:
    """Share of conversations to look at now, in [0, ``sample``].

    ``sample`` while ring and in-flight budget are both at most half full; from there it is
    halved for every further 5 % of the fuller one: a half just above 50 %, a quarter above
    55 %, a two-thousandth when full. So a ring that fills takes ever less before it is full.

    >>> [inclusion_probability(1.0, fill, 0.0) for fill in (0.5, 0.51, 0.56, 0.61)]
    [1.0, 0.5, 0.25, 0.125]
    """
    fill = max(ring_fill, budget_fill)
    if fill <= _SCARCE:
        return sample
    return sample * 0.5 ** (1 + int((fill - _SCARCE) / _STEP))


def admitted(conversation_key: bytes, probability: float) -> bool:
    """Whether this conversation is looked at. A lower probability keeps a subset of a higher one's.

    ``conversation_key`` comes from ``conversation_key()``: its bytes are as good as random.
    """
    return int.from_bytes(conversation_key[:KEY_BYTES], "big") < probability * 2.0 ** (8 * KEY_BYTES)


def conversation_key(
    install_key: bytes,
    scan: Scan,
    user: bytes | None,
    headers: Headers,
    settings: CaptureSettings,
    random_bytes: Callable[[int], bytes],
) -> tuple[bytes, KeyKind]:
    """The conversation's key of 8 bytes, and by what it was recognised.

    The first that there is: the operator's header; if client ids are trusted, the body's
    conversation or session id, then the id of the answer it continues (each link of such a
    chain has its own key); model, ``user`` (from ``user_key``) and first human message; else
    a random key.
    """
    trusted = settings.conversation_header and headers.get(settings.conversation_header.encode())
    if trusted:
        return _keyed(install_key, b"conversation", trusted), "header"
    if settings.trust_client_conversation_ids:
        if scan.conversation:
            return _keyed(install_key, b"conversation", scan.conversation), "body"
        if scan.previous_response:
            return _keyed(install_key, b"previous_response", scan.previous_response), "previous_response"
    if scan.first_message:
        return _keyed(
            install_key, b"first_message", scan.model or b"", user or b"", scan.first_message
        ), "first_message"
    return random_bytes(KEY_BYTES), "none"


def user_key(install_key: bytes, scan: Scan, headers: Headers, settings: CaptureSettings) -> bytes | None:
    """The end user's key of 8 bytes: the configured header, else the body's user, else the
    credential the request came with. None where it carries nothing of the kind.
    """
    user = (settings.user_header and headers.get(settings.user_header.encode())) or scan.user
    if user:
        return _keyed(install_key, b"user", user)
    for name in _CREDENTIALS:
        credential = headers.get(name)
        if credential:
            return _keyed(install_key, b"credential", credential)
    return None


def app(headers: Headers, settings: CaptureSettings) -> str:
    """The calling application: one of ``settings.apps``, or ``other``; empty where none are configured."""
    if not settings.apps:
        return ""
    name = headers.get(settings.app_header.encode(), b"").decode("latin-1")
    return name if name in settings.apps else "other"


def excluded(path: str, headers: Headers, settings: CaptureSettings) -> bool:
    """Whether a rule keeps this request out: a header with exactly this value, or a path that begins so."""
    return path.startswith(settings.exclude_paths) or any(
        headers.get(name.encode()) == value.encode() for name, value in settings.exclude_headers
    )


def _keyed(install_key: bytes, *inputs: bytes) -> bytes:
    message = b"".join(part for item in inputs for part in (len(item).to_bytes(8, "big"), item))
    return hmac.digest(install_key, message, "sha256")[:KEY_BYTES]
