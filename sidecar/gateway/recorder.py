"""Decides which exchanges are looked at, and puts the copies of them (copy.py) into the ring.

Rules of this file: nothing here may slow or break the relay. No method awaits, blocks or
lets an exception out; what a chunk costs does not grow with the length of its exchange. Whatever
is held counts against one budget for the worker (bytes plus an allowance for the object that
holds them): an exchange that would pass it gives its copy up, and this is counted.

An exchange is let in once, by its conversation, when 64 KiB of its copy have come or the
request has ended: before anything of its answer is known (see admission.py). While all
conversations are let in nobody needs to know which one it is, and the body is not read here.

Of the headers only those that copy.py names are kept: no credential, cookie or query string gets
past ``begin``, where keyed hashes are made of what identifies somebody. All that a head says
is read once, however often the same head comes (see ``noted`` in observer.py).

Each exchange is counted once in ``kilter_captures_total``: paused, excluded, skipped (no
known format, not in the sample, or answered by the gateway itself), dropped_budget,
dropped_ring, failed, or in the ring as sampled or, where a part is missing, truncated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sidecar.gateway.admission import (
    Identity,
    Lots,
    Room,
    admitted,
    app,
    body_says,
    excluded,
    identity,
    inclusion_probability,
)
from sidecar.gateway.capture import pack_request
from sidecar.gateway.copy import REQUEST_HEADERS, Copy, allowed
from sidecar.gateway.counters import CAPTURES, PROTOCOL_OTHER, Counters
from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.gateway.observer import Request
from sidecar.gateway.ring import RingWriter
from sidecar.gateway.routes import Routes
from sidecar.gateway.scanner import Scanner
from sidecar.settings import CaptureSettings, Route

SHORT_BYTES = 16 << 10
"""A request up to here is copied as it is: leaving base64 out would win next to nothing."""

_NOBODY = Identity()


@dataclass(frozen=True, slots=True)
class Asker:
    """What a request's head says. ``outcome``: why it is not looked at, empty if it is."""

    outcome: str
    texts: bytes = b""
    identity: Identity = _NOBODY
    scanner: Scanner | None = None


class Recorder:
    """The worker's observer. ``paused`` is asked at each request; times and randomness come in."""

    def __init__(
        self,
        settings: CaptureSettings,
        routes: Sequence[Route],
        install_key: bytes,
        ring: RingWriter,
        counters: Counters,
        wall_clock: Callable[[], float],
        random_bytes: Callable[[int], bytes],
        paused: Callable[[], bool],
    ) -> None:
        self.settings = settings
        self.ring = ring
        self.inflight_bytes = 0
        self.inflight_limit = settings.inflight_bytes
        self.short_bytes = min(SHORT_BYTES, settings.request_bytes)
        self._share = settings.sample
        self._share_at_s = -1.0
        self.open: dict[Copy, None] = {}
        self._room = Room(ring.data_bytes)
        self._keyed = KeyedHash(install_key)
        self._lots = Lots(install_key, settings, random_bytes)
        self._wall_clock = wall_clock
        self._paused = paused
        self._routes = Routes(routes)
        self._outcomes = {name: counters.cell("kilter_captures_total", name) for name in CAPTURES}
        self._inflight = counters.cell("kilter_capture_inflight_bytes")
        self._cells = counters.cells
        self._probability = counters.cell("kilter_inclusion_probability")
        counters.set(self._probability, settings.sample)

    def begin(self, head: Request, at_s: float, body: bytes | None = None) -> Copy | None:
        """A copy to be filled, or None for what is not looked at. Never raises.

        A request that came whole is decided at once: while few are let in, the others leave nothing behind.
        """
        try:
            if self._paused():
                self.count("paused")
                return None
            asker = head.noted
            if not isinstance(asker, Asker):
                head.noted = asker = self._read(head)
            if asker.outcome:
                self.count(asker.outcome)
                return None
            if body is None or len(body) > self.short_bytes:
                copy = Copy(self, asker, at_s, self._wall_clock())
                if body is not None:
                    copy.request_body((body,))
                return copy
            probability = self._share if at_s == self._share_at_s else self.probability(at_s)
            if probability < 1.0 and not self.admits(asker, body, probability):
                self.count("skipped")
                return None
            copy = Copy(self, asker, at_s, self._wall_clock())
            copy.keep(body, probability)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self.count("failed")
            return None
        return copy

    def _read(self, head: Request) -> Asker:
        protocol = self._routes.protocol(head.method, head.target)
        if protocol == PROTOCOL_OTHER:
            return Asker("skipped")
        path = _path(head.target)
        headers = {name.lower(): value for name, value in head.headers}
        if excluded(path, headers, self.settings):
            return Asker("excluded")
        # botocore names no type where it invokes a model of Bedrock's.
        if headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower() not in (b"application/json", b""):
            return Asker("skipped")
        who = identity(self._keyed, headers, self.settings)
        texts = pack_request(
            "POST",
            path,
            allowed(((name, headers[name]) for name in REQUEST_HEADERS if name in headers), REQUEST_HEADERS),
            app=app(headers, self.settings),
            protocol=protocol,
            conversation_key="" if who.conversation is None else who.conversation.hex(),
            key_kind="" if who.conversation is None else "header",
            user_key=None if who.user is None else who.user.hex(),
            credential_key=None if who.credential is None else who.credential.hex(),
        )
        return Asker("", texts, who, Scanner())

    def probability(self, at_s: float) -> float:
        """Share of conversations to look at; also shown as a metric. Worked out once an instant of the loop's clock."""
        if at_s == self._share_at_s:
            return self._share
        ring = self._room.fill(
            at_s, unread_bytes=self.ring.used_bytes, held_bytes=self.inflight_bytes, copies=len(self.open)
        )
        fill = max(ring, self.inflight_bytes / self.inflight_limit)
        self._share_at_s = at_s
        self._share = self._cells[self._probability] = inclusion_probability(self.settings.sample, fill)
        return self._share

    def admits(self, asker: Asker, body: bytes, probability: float) -> bool:
        """Whether the conversation of this request is among the share. ``body``: its copy, or the beginning of it."""
        return admitted(self._lots.draw(body_says(body, asker.scanner), asker.identity), probability)

    def record(self, parts: Sequence[bytes], *, truncated: bool) -> None:
        """Puts a finished copy into the ring and counts it."""
        self._room.recorded(sum(map(len, parts)))
        if self.ring.put(parts):
            self.count("truncated" if truncated else "sampled")
        else:
            self.count("dropped_ring")

    def finished_until(self) -> float:
        """Unix time before which no copy began that may still come into the ring."""
        oldest = next(iter(self.open), None)
        return self._wall_clock() if oldest is None else oldest.started_at_s

    def count(self, outcome: str) -> None:
        """Counts what became of one exchange."""
        self._cells[self._outcomes[outcome]] += 1.0

    def release(self, held_bytes: int) -> None:
        """An exchange no longer holds its copy. Shows what the others do."""
        self.inflight_bytes -= held_bytes
        self._cells[self._inflight] = self.inflight_bytes


def _path(target: bytes) -> str:
    """The path alone: no query string, and of an absolute form (``http://name:secret@host/path``) no authority."""
    text = target.decode("latin-1").split("?", 1)[0].split("#", 1)[0]
    if "://" in text and not text.startswith("/"):
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    return text
