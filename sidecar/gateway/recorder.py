"""Keeps a bounded copy of the exchanges that are looked at and puts it into the ring.

Rules of this file: nothing here may slow or break the relay. No method awaits, blocks or
lets an exception out; what a chunk costs does not grow with the length of its exchange. Whatever
is held counts against one budget for the worker (bytes plus an allowance for the object that
holds them): an exchange that would pass it gives its copy up, and this is counted.

An exchange is let in once, by its conversation, when 64 KiB of its copy have come or the
request has ended: before anything of its answer is known (see admission.py). While all
conversations are let in nobody needs to know which one it is, and the body is not read here.

What is copied: the request up to a limit, base64 left out if it is long; of the answer the head
and the tail. Of the headers only those named here: no credential, cookie or query string gets
past ``begin``, where keyed hashes are made of what identifies somebody. All that a head says
is read once, however often the same head comes (see ``noted`` in observer.py).

Each exchange is counted once in ``kilter_captures_total``: paused, excluded, skipped (no
known format, not in the sample, or answered by the gateway itself), dropped_budget,
dropped_ring, failed, or in the ring as sampled or, where a part is missing, truncated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

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
from sidecar.gateway.capture import MAX_ARRIVALS, pack, pack_answer, pack_request
from sidecar.gateway.counters import CAPTURES, PROTOCOL_OTHER, Counters
from sidecar.gateway.elision import Base64Elision
from sidecar.gateway.head_and_tail import CHUNK_OVERHEAD_BYTES, HeadAndTail
from sidecar.gateway.keyed_hash import KeyedHash
from sidecar.gateway.observer import Answer, Ended, Request
from sidecar.gateway.ring import RingWriter
from sidecar.gateway.routes import Routes
from sidecar.gateway.scanner import SCAN_BYTES, Scanner
from sidecar.settings import CaptureSettings, Route

SHORT_BYTES = 16 << 10
"""A request up to here is copied as it is: leaving base64 out would win next to nothing."""

REQUEST_HEADERS = (b"content-type", b"content-encoding", b"accept-language", b"traceparent", b"tracestate")
RESPONSE_HEADERS = (b"content-type", b"content-encoding", b"x-request-id", b"request-id", b"x-amzn-errortype")


_NOBODY = Identity()
_NOT_TOLD = math.nan  # a time that equals no other


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
            _allowed(((name, headers[name]) for name in REQUEST_HEADERS if name in headers), REQUEST_HEADERS),
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


class Copy:
    """The tap of one exchange. It is undecided, then kept or off; off is for good."""

    __slots__ = (
        "_answer",
        "_asker",
        "_elision",
        "_held_bytes",
        "_kept",
        "_keyed_bytes",
        "_lengths",
        "_probability",
        "_recorder",
        "_request",
        "_request_bytes",
        "_request_sent_s",
        "_request_truncated",
        "_response_texts",
        "_start_s",
        "_status",
        "_times",
        "_undecided",
        "started_at_s",
    )

    def __init__(self, recorder: Recorder, asker: Asker, start_s: float, started_at_s: float) -> None:
        self._recorder = recorder
        self._asker = asker
        self._start_s = start_s
        self.started_at_s = started_at_s
        self._undecided = True
        self._kept = False
        self._held_bytes = 0
        self._request: list[bytes] = []
        self._request_bytes = 0
        self._request_truncated = False
        self._request_sent_s: float | None = None
        self._elision: Base64Elision | None = None  # until the request is long
        self._keyed_bytes = 0
        self._probability = 0.0
        self._status: int | None = None
        self._response_texts = b""
        self._answer: HeadAndTail | None = None  # until the answer begins
        self._lengths: list[int] = []  # of the answer's first pieces
        self._times: list[float] = []  # when they came
        recorder.open[self] = None

    def keep(self, body: bytes, probability: float) -> None:
        """The whole of a short request, which has been let in."""
        self._undecided = False
        self._kept = True
        self._probability = probability
        self._request = [body]
        self._request_bytes = self._keyed_bytes = len(body)
        self._hold(len(body) + CHUNK_OVERHEAD_BYTES)

    def request_body(self, pieces: Sequence[bytes]) -> None:
        """Holds the pieces; with the first 64 KiB of the copy, decides."""
        try:
            for data in pieces:
                if not (self._undecided or self._kept):
                    return
                if self._elision is not None or self._request_bytes + len(data) > self._recorder.short_bytes:
                    self._elide(data)
                elif data:
                    self._request.append(data)
                    self._request_bytes += len(data)
                    self._hold(len(data) + CHUNK_OVERHEAD_BYTES)
            if self._undecided and self._request_bytes >= SCAN_BYTES:
                self._decide(_NOT_TOLD)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def request_sent(self, at_s: float) -> bool:
        """The request has ended: decides, if it was too short before. Whether the copy goes on."""
        try:
            self._request_sent_s = at_s
            if self._undecided:
                self._decide(at_s)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")
        return self._kept

    def response_head(self, head: Answer, at_s: float) -> None:
        """An early answer ends the wait for the request's beginning."""
        try:
            if self._undecided:
                self._decide(at_s)
            if self._kept:
                self._read_answer_head(head)
                settings = self._recorder.settings
                self._answer = HeadAndTail(settings.response_head_bytes, settings.response_tail_bytes)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def answered(self, head: Answer, body: bytes, at_s: float) -> None:
        """Nothing of the answer needs to be held, so its record is written at once."""
        if self._undecided or len(body) > self._recorder.settings.response_head_bytes:
            self.response_head(head, at_s)
            self.response_body((body,), (at_s,))
            self.end("complete", at_s)
        elif self._kept:
            try:
                self._read_answer_head(head)
                self._record((body,), len(body), 0, (len(body),), (at_s,), "complete", at_s)
                self._let_go()
            except Exception:  # noqa: BLE001 - observing must not break the relay
                self._give_up("failed")

    def _read_answer_head(self, head: Answer) -> None:
        self._status = head.status
        texts = head.noted
        if not isinstance(texts, bytes):
            headers = ((name.lower(), value) for name, value in head.headers)
            head.noted = texts = pack_answer(_allowed(headers, RESPONSE_HEADERS))
        self._response_texts = texts

    def response_body(self, pieces: Sequence[bytes], times_s: Sequence[float]) -> None:
        """Holds the pieces, joined: a long stream is then held in few objects, and those of its events are free again."""
        answer = self._answer
        if answer is None:
            return
        try:
            if times_s:
                self._lengths += map(len, pieces)
                self._times += times_s
            self._hold(answer.add(pieces[0] if len(pieces) == 1 else b"".join(pieces)))
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def end(self, ended: Ended, at_s: float) -> None:
        """Writes the record, unless nothing of an answer came from the model server."""
        try:
            if self._answer is None:
                self._give_up("skipped")
            else:
                pieces, head_bytes, omitted = self._answer.pieces()
                self._record(pieces, head_bytes, omitted, self._lengths, self._times, ended, at_s)
                self._let_go()
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def _decide(self, at_s: float) -> None:
        self._keyed_bytes = min(self._request_bytes, SCAN_BYTES)
        self._probability = probability = self._recorder.probability(at_s)
        if probability >= 1.0 or self._recorder.admits(
            self._asker, b"".join(self._request)[: self._keyed_bytes], probability
        ):
            self._undecided = False
            self._kept = True
        else:
            self._give_up("skipped")

    def _elide(self, data: bytes) -> None:
        """More of a long request; with its first call, what had come before, too."""
        pieces = [data]
        if self._elision is None:
            self._elision = Base64Elision()
            pieces = [*self._request, data]
            self._request = []
            self._request_bytes = 0
            self._hold(-self._held_bytes)
        for piece in pieces:
            if self._request_truncated or not (self._undecided or self._kept):
                return
            kept = self._elision.feed(piece)
            room = self._recorder.settings.request_bytes - self._request_bytes
            if len(kept) > room:
                self._request_truncated = True
                kept = kept[:room]
            if kept:
                self._request.append(kept)
                self._request_bytes += len(kept)
                self._hold(len(kept) + CHUNK_OVERHEAD_BYTES)

    def _hold(self, more_bytes: int) -> None:
        recorder = self._recorder
        self._held_bytes += more_bytes
        recorder.inflight_bytes += more_bytes
        if recorder.inflight_bytes > recorder.inflight_limit:
            self._give_up("dropped_budget")

    def _give_up(self, outcome: str) -> None:
        if self._undecided or self._kept:
            self._let_go()
            self._recorder.count(outcome)

    def _let_go(self) -> None:
        self._undecided = self._kept = False
        self._recorder.open.pop(self, None)
        self._recorder.release(self._held_bytes)
        self._held_bytes = 0
        self._request = []
        self._answer = None

    def _record(
        self,
        pieces: Sequence[bytes],
        head_bytes: int,
        omitted: int,
        lengths: Sequence[int],
        times_s: Sequence[float],
        ended: Ended,
        finished_s: float,
    ) -> None:
        timed = min(len(times_s), MAX_ARRIVALS)
        parts = pack(
            self._asker.texts,
            self._response_texts,
            self._request_bytes,
            self._request_truncated,
            self._keyed_bytes,
            self._status or 0,
            sum(map(len, pieces)),
            omitted,
            head_bytes,
            self.started_at_s,
            self._start_s,
            self._request_sent_s,
            times_s[0] if times_s else None,
            finished_s,
            tuple(islice(accumulate(lengths, initial=0), timed)),
            times_s[:timed],
            self._probability,
            ended,
        )
        parts += self._request
        parts += pieces
        self._recorder.record(parts, truncated=self._request_truncated or omitted > 0)


def _allowed(headers: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in names)


def _path(target: bytes) -> str:
    """The path alone: no query string, and of an absolute form (``http://name:secret@host/path``) no authority."""
    text = target.decode("latin-1").split("?", 1)[0].split("#", 1)[0]
    if "://" in text and not text.startswith("/"):
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    return text
