"""Which exchanges are looked at, and whose they are.

Rules of this file: pure; the decision depends on who speaks and never on what is answered.
Copying what fits and dropping what does not would favour short answers, and refusals are
short: the watched rate itself would move. So when room gets scarce fewer conversations are
looked at, each as a whole, and the share is recorded for weighting.

Who asks is known by keyed hashes (keyed_hash.py). The worker makes those of the headers, which
go no further. What the body adds is worked out where it is needed: by the worker only while not
every conversation is looked at, and for the record by the monitor, with the same functions on
the same bytes.

Ids that a client sends are believed only if the operator says so: with one id for all,
somebody could make a thousand attempts count as one conversation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args
from zlib import crc32

from sidecar.gateway.elision import Base64Elision, spaced
from sidecar.gateway.keyed_hash import HASH_BYTES, KeyedHash
from sidecar.gateway.scanner import Scan, Scanner
from sidecar.settings import CaptureSettings

KeyKind = Literal["header", "body", "previous_response", "first_message", "none"]
KEY_KINDS: tuple[KeyKind, ...] = get_args(KeyKind)
Headers = Mapping[bytes, bytes]
"""Request headers by lower-case name."""

_INPUT = {"body": b"conversation", "previous_response": b"previous_response"}
_CREDENTIALS = (b"authorization", b"x-api-key", b"api-key", b"x-goog-api-key")
_SCARCE = 0.5
_STEP = 0.05

_BEHIND = 1 / 16
_BEHIND_S = 60.0
_RECORDS = 128
"""The size of a record is averaged over about so many."""


def inclusion_probability(sample: float, fill: float) -> float:
    """Share of conversations to look at now, in [0, ``sample``].

    ``fill`` is that of the fuller of ring and in-flight budget. ``sample`` while it is at most half;
    from there it is halved for every further 5 %: a half just above 50 %, a quarter above 55 %, a
    two-thousandth when full. So a ring that fills takes ever less before it is full.

    >>> [inclusion_probability(1.0, fill) for fill in (0.5, 0.51, 0.56, 0.61)]
    [1.0, 0.5, 0.25, 0.125]
    """
    if fill <= _SCARCE:
        return sample
    return sample * 0.5 ** (1 + int((fill - _SCARCE) / _STEP))


class Room:
    """How full the ring will be: what is unread, and what is promised to it.

    An exchange is let in when it begins and needs its room when it ends. With answers that take a minute,
    a ring that looks half empty may be promised several times over, and what does not fit is then the long
    answers. While the reader keeps up, nothing is to be feared of that; once the ring has been more
    than a sixteenth full, for a minute every open copy counts with the size of an average record. That
    depends on the answers of others, never on the exchange's own.

    >>> room = Room(ring_bytes=1000)
    >>> room.recorded(100)
    >>> [room.fill(at_s, unread_bytes=unread, held_bytes=0, copies=3) for at_s, unread in [(0, 50), (1, 100), (2, 50)]]
    [0.05, 0.4, 0.35]
    """

    def __init__(self, ring_bytes: int) -> None:
        self._ring_bytes = ring_bytes
        self._mean_bytes = 0.0
        self._records = 0
        self._behind_until_s = float("-inf")

    def recorded(self, size_bytes: int) -> None:
        """A copy has ended, whether it fitted or not."""
        if self._records < _RECORDS:
            self._records += 1
        self._mean_bytes += (size_bytes - self._mean_bytes) / self._records

    def fill(self, at_s: float, *, unread_bytes: int, held_bytes: int, copies: int) -> float:
        """Share of the ring that is needed, above 1 if it is promised more than it has.

        ``at_s`` in seconds of any steady clock. ``copies`` are open and hold ``held_bytes`` up to now.
        """
        if unread_bytes > _BEHIND * self._ring_bytes:
            self._behind_until_s = at_s + _BEHIND_S
        promised = max(held_bytes, copies * self._mean_bytes) if at_s < self._behind_until_s else 0.0
        return (unread_bytes + promised) / self._ring_bytes


def admitted(lot: int, probability: float) -> bool:
    """Whether a conversation is looked at. A lower probability keeps a subset of a higher one's.

    ``lot`` comes from ``Lots``: its 32 bits are as good as random.
    """
    return lot < probability * 2.0**32


@dataclass(frozen=True, slots=True)
class Identity:
    """What a request's headers say of who asks, as keyed hashes of 8 bytes; None: they do not say.

    ``conversation`` and ``user`` come from headers that the operator has named.
    """

    conversation: bytes | None = None
    user: bytes | None = None
    credential: bytes | None = None


def identity(keyed: KeyedHash, headers: Headers, settings: CaptureSettings) -> Identity:
    """Reads the headers. After this nobody needs to see them again."""
    conversation = headers.get(settings.conversation_header.encode()) if settings.conversation_header else None
    user = headers.get(settings.user_header.encode()) if settings.user_header else None
    credential = next((headers[name] for name in _CREDENTIALS if headers.get(name)), None)
    return Identity(
        keyed.of(b"conversation", conversation) if conversation else None,
        keyed.of(b"user", user) if user else None,
        keyed.of(b"credential", credential) if credential else None,
    )


def body_says(body: bytes, scanner: Scanner | None = None) -> Scan:
    """What a copied body says of its conversation: the same whether base64 has been left out of it or not yet.

    ``scanner``: of bodies that may begin like this one.
    """
    return (scanner or Scanner()).scan(body if spaced(body) else Base64Elision().feed(body))


def user_key(keyed: KeyedHash, said: Scan, identity: Identity) -> bytes | None:
    """The end user's key of 8 bytes: from the configured header, else the body's user, else the
    credential the request came with. None where it carries nothing of the kind.
    """
    if identity.user is None and said.user:
        return keyed.of(b"user", said.user)
    return identity.user or identity.credential


def recognised_by(said: Scan, identity: Identity, settings: CaptureSettings) -> tuple[KeyKind, bytes]:
    """By what a conversation is recognised, and that itself; empty for ``none``.

    The first that there is: the operator's header; if client ids are trusted, the body's
    conversation or session id, then the id of the answer it continues (each link of such a
    chain is its own); the first human message, which goes with model and user.
    """
    if identity.conversation is not None:
        return "header", identity.conversation
    if settings.trust_client_conversation_ids:
        if said.conversation:
            return "body", said.conversation
        if said.previous_response:
            return "previous_response", said.previous_response
    if said.first_message:
        return "first_message", said.first_message
    return "none", b""


def conversation_key(
    keyed: KeyedHash,
    said: Scan,
    identity: Identity,
    settings: CaptureSettings,
    random_bytes: Callable[[int], bytes],
) -> tuple[bytes, KeyKind]:
    """The conversation's key of 8 bytes, and by what it was recognised. A random one where nothing names it."""
    kind, mark = recognised_by(said, identity, settings)
    if kind == "none":
        return random_bytes(HASH_BYTES), kind
    if kind == "header":
        return mark, kind
    if kind == "first_message":
        user = user_key(keyed, said, identity) or b""
        return keyed.of(b"first_message", said.model or b"", user, mark), kind
    return keyed.of(_INPUT[kind], mark), kind


class Lots:
    """The lot that each conversation draws, and keeps: the same in every worker and after a restart.

    A worker that cannot keep up draws one for every request, so it is a checksum (CRC-32) with a start that
    ``install_key`` decides, not a keyed hash: whether a conversation was looked at is shown to nobody, so
    nobody can learn which texts would not be.
    """

    def __init__(self, install_key: bytes, settings: CaptureSettings, random_bytes: Callable[[int], bytes]) -> None:
        self._start = int.from_bytes(KeyedHash(install_key).of(b"lot"), "big") & 0xFFFFFFFF
        self._settings = settings
        self._random_bytes = random_bytes

    def draw(self, said: Scan, identity: Identity) -> int:
        """32 bits for whom ``recognised_by`` tells apart, with model and user where the first message does; random
        ones where nothing names the conversation.
        """
        kind, mark = recognised_by(said, identity, self._settings)
        if kind == "none":
            return int.from_bytes(self._random_bytes(4), "big")
        start = self._start
        if kind == "first_message":
            start = crc32(said.model or b"", start)
            start = crc32(identity.user or said.user or identity.credential or b"", start)
        # A last multiplication carries what differs in few bits into all of them (Knuth, TAOCP 3, 6.4).
        return crc32(mark, start) * 0x9E3779B1 & 0xFFFFFFFF


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
