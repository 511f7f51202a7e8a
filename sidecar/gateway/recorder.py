"""Keeps a bounded copy of the exchanges that are looked at and puts it into the ring.

Rules of this file: nothing here may slow or break the relay. No method awaits, blocks or
lets an exception out; chunks are kept by reference, not copied; what a chunk costs does not
grow with the length of its exchange. Whatever is held counts against one budget for the
worker (bytes plus an allowance for the object that holds them): an exchange that would pass
it gives its copy up, and this is counted.

An exchange is let in once, by its conversation, when 64 KiB of its request have come or the
request has ended: before anything of its answer is known (see admission.py). Until then the
few bytes that have come are held by reference.

What is copied: the request up to a limit, base64 left out; of the answer the head and the
tail. Of the headers only those named here: no credential, cookie or query string gets past
``begin``, where keyed hashes are made of what identifies somebody.

Each exchange is counted once in ``kilter_captures_total``: paused, excluded, skipped (no
known format, not in the sample, or answered by the gateway itself), dropped_budget,
dropped_ring, failed, or in the ring as sampled or, where a part is missing, truncated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sidecar.gateway.admission import (
    Headers,
    KeyKind,
    admitted,
    app,
    conversation_key,
    excluded,
    inclusion_probability,
    user_key,
)
from sidecar.gateway.capture import MAX_ARRIVALS, Capture
from sidecar.gateway.counters import CAPTURES, KEY_KINDS, PROTOCOL_OTHER, Counters
from sidecar.gateway.elision import Base64Elision
from sidecar.gateway.head_and_tail import CHUNK_OVERHEAD_BYTES, HeadAndTail
from sidecar.gateway.observer import Ended, RawHeaders
from sidecar.gateway.ring import RingWriter
from sidecar.gateway.routes import Routes
from sidecar.gateway.scanner import SCAN_BYTES, scan
from sidecar.settings import CaptureSettings, Route

REQUEST_HEADERS = (b"content-type", b"content-encoding", b"accept-language", b"traceparent")
RESPONSE_HEADERS = (b"content-type", b"content-encoding", b"x-request-id", b"request-id", b"x-amzn-errortype")


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
        self.install_key = install_key
        self.ring = ring
        self.random_bytes = random_bytes
        self.inflight_bytes = 0
        self._counters = counters
        self._wall_clock = wall_clock
        self._paused = paused
        self._routes = Routes(routes)
        self._outcomes = {name: counters.cell("kilter_captures_total", name) for name in CAPTURES}
        self._key_kinds = {name: counters.cell("kilter_capture_keys_total", name) for name in KEY_KINDS}
        self._inflight = counters.cell("kilter_capture_inflight_bytes")
        self._probability = counters.cell("kilter_inclusion_probability")
        counters.set(self._probability, settings.sample)

    def begin(self, method: bytes, target: bytes, headers: RawHeaders, at_s: float) -> Copy | None:
        """A copy to be filled, or None for what is not looked at. Never raises."""
        try:
            return self._begin(method, target, headers, at_s)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self.count("failed")
            return None

    def _begin(self, method: bytes, target: bytes, headers: RawHeaders, at_s: float) -> Copy | None:
        if self._paused():
            self.count("paused")
            return None
        protocol = self._routes.protocol(method, target)
        if protocol == PROTOCOL_OTHER:
            self.count("skipped")
            return None
        path = _path(target)
        by_name = {name.lower(): value for name, value in headers}
        if excluded(path, by_name, self.settings):
            self.count("excluded")
            return None
        if by_name.get(b"content-type", b"").split(b";", 1)[0].strip().lower() != b"application/json":
            self.count("skipped")
            return None
        return Copy(self, path, protocol, headers=by_name, start_s=at_s, started_at_s=self._wall_clock())

    def probability(self) -> float:
        """Share of conversations to look at now; also shown as a metric."""
        budget_fill = self.inflight_bytes / self.settings.inflight_bytes
        probability = inclusion_probability(self.settings.sample, self.ring.fill_ratio, budget_fill)
        self._counters.set(self._probability, probability)
        return probability

    def record(self, capture: Capture) -> None:
        """Puts a finished copy into the ring and counts it."""
        written = self.ring.put(capture.to_parts())
        if written:
            self.count("truncated" if capture.truncated else "sampled")
            self._counters.add(self._key_kinds[capture.key_kind])
        else:
            self.count("dropped_ring")

    def count(self, outcome: str) -> None:
        """Counts what became of one exchange."""
        self._counters.add(self._outcomes[outcome])

    def release(self, held_bytes: int) -> None:
        """An exchange no longer holds its copy. Shows what the others do."""
        self.inflight_bytes -= held_bytes
        self._counters.set(self._inflight, self.inflight_bytes)


class Copy:
    """The tap of one exchange. It is undecided, then kept or off; off is for good."""

    __slots__ = (
        "_answer",
        "_app",
        "_arrivals",
        "_conversation_key",
        "_elision",
        "_headers",
        "_held_bytes",
        "_kept",
        "_key_kind",
        "_path",
        "_probability",
        "_protocol",
        "_recorder",
        "_request",
        "_request_bytes",
        "_request_sent_s",
        "_request_truncated",
        "_response_headers",
        "_start_s",
        "_started_at_s",
        "_status",
        "_undecided",
        "_user_key",
    )

    def __init__(
        self, recorder: Recorder, path: str, protocol: str, *, headers: Headers, start_s: float, started_at_s: float
    ) -> None:
        self._recorder = recorder
        self._path = path
        self._protocol = protocol
        self._headers = headers
        self._start_s = start_s
        self._started_at_s = started_at_s
        self._undecided = True
        self._kept = False
        self._held_bytes = 0
        self._request: list[bytes] = []
        self._request_bytes = 0
        self._request_truncated = False
        self._request_sent_s: float | None = None
        self._elision = Base64Elision()
        self._status: int | None = None
        self._response_headers: tuple[tuple[str, str], ...] = ()
        self._answer = HeadAndTail(recorder.settings.response_head_bytes, recorder.settings.response_tail_bytes)
        self._arrivals: list[tuple[int, float]] = []

    def request_body(self, data: bytes) -> None:
        """Holds the chunk; with the 64 KiB that are scanned, decides."""
        try:
            if self._undecided:
                self._request.append(data)
                self._request_bytes += len(data)
                self._hold(len(data) + CHUNK_OVERHEAD_BYTES)
                if self._request_bytes >= SCAN_BYTES:
                    self._decide()
            elif self._kept:
                self._keep_request(data)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def request_sent(self, at_s: float) -> None:
        """The request has ended: decides, if it was too short to be decided before."""
        try:
            self._request_sent_s = at_s - self._start_s
            self._decide()
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def response_head(self, status: int, headers: RawHeaders, at_s: float) -> None:
        """An answer may come before the request has ended: decides by what has come of it."""
        del at_s  # the answer's first byte is that of its body
        try:
            self._decide()
            if self._kept:
                self._status = status
                self._response_headers = _allowed(((name.lower(), value) for name, value in headers), RESPONSE_HEADERS)
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def response_body(self, data: bytes, at_s: float) -> None:
        """Holds the chunk by reference."""
        if not self._kept:
            return
        try:
            if len(self._arrivals) < MAX_ARRIVALS:
                self._arrivals.append((self._answer.received_bytes, at_s - self._start_s))
            self._hold(self._answer.add(data))
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def end(self, ended: Ended, at_s: float) -> None:
        """Writes the record, unless nothing of an answer came from the model server."""
        try:
            if self._status is None:
                self._give_up("skipped")
            elif self._kept:
                self._recorder.record(self._capture(ended, at_s - self._start_s))
                self._let_go()
        except Exception:  # noqa: BLE001 - observing must not break the relay
            self._give_up("failed")

    def _decide(self) -> None:
        if not self._undecided:
            return
        recorder = self._recorder
        settings = recorder.settings
        found = scan(b"".join(self._request)[:SCAN_BYTES])
        user = user_key(recorder.install_key, found, self._headers, settings)
        key, kind = conversation_key(recorder.install_key, found, user, self._headers, settings, recorder.random_bytes)
        self._probability = recorder.probability()
        if not admitted(key, self._probability):
            self._give_up("skipped")
            return
        self._conversation_key = key.hex()
        self._key_kind: KeyKind = kind
        self._user_key = None if user is None else user.hex()
        self._app = app(self._headers, settings)
        self._headers = {name: self._headers[name] for name in REQUEST_HEADERS if name in self._headers}
        self._undecided = False
        self._kept = True
        chunks = self._request
        self._request = []
        self._hold(-self._held_bytes)
        self._request_bytes = 0
        for chunk in chunks:
            self._keep_request(chunk)

    def _keep_request(self, data: bytes) -> None:
        if self._request_truncated:
            return
        data = self._elision.feed(data)
        room = self._recorder.settings.request_bytes - self._request_bytes
        if len(data) > room:
            self._request_truncated = True
            data = data[:room]
        if data:
            self._request.append(data)
            self._request_bytes += len(data)
            self._hold(len(data) + CHUNK_OVERHEAD_BYTES)

    def _hold(self, more_bytes: int) -> None:
        recorder = self._recorder
        self._held_bytes += more_bytes
        recorder.inflight_bytes += more_bytes
        if recorder.inflight_bytes > recorder.settings.inflight_bytes:
            self._give_up("dropped_budget")

    def _give_up(self, outcome: str) -> None:
        if self._undecided or self._kept:
            self._let_go()
            self._recorder.count(outcome)

    def _let_go(self) -> None:
        self._undecided = self._kept = False
        self._recorder.release(self._held_bytes)
        self._held_bytes = 0
        self._headers = {}
        self._request = []
        self._answer = HeadAndTail(0, 1)

    def _capture(self, ended: Ended, finished_s: float) -> Capture:
        body, head_bytes, omitted = self._answer.joined()
        return Capture(
            method="POST",
            path=self._path,
            request_headers=_allowed(self._headers.items(), REQUEST_HEADERS),
            request_body=b"".join(self._request),
            request_truncated=self._request_truncated,
            status=self._status or 0,
            response_headers=self._response_headers,
            response_body=body,
            response_omitted=omitted,
            response_head_bytes=head_bytes,
            started_at_s=self._started_at_s,
            request_sent_s=self._request_sent_s,
            first_byte_s=self._arrivals[0][1] if self._arrivals else None,
            finished_s=finished_s,
            arrivals=tuple(self._arrivals),
            conversation_key=self._conversation_key,
            key_kind=self._key_kind,
            user_key=self._user_key,
            app=self._app,
            inclusion_probability=self._probability,
            ended=ended,
            protocol=self._protocol,
        )


def _allowed(headers: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in names)


def _path(target: bytes) -> str:
    """The path alone: no query string, and of an absolute form (``http://name:secret@host/path``) no authority."""
    text = target.decode("latin-1").split("?", 1)[0].split("#", 1)[0]
    if "://" in text and not text.startswith("/"):
        text = "/" + text.split("://", 1)[1].partition("/")[2]
    return text
