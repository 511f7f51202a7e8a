"""The copy of one exchange while it goes on, bounded, and the record that it becomes.

Rules of this file: as in recorder.py, which makes copies: no method awaits, blocks or lets an exception
out, and whatever is held counts against the worker's budget.

What is copied: the request up to a limit, base64 left out if it is long; of the answer the head
and the tail. Of the headers only those named here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice
from typing import TYPE_CHECKING

from sidecar.gateway.capture import MAX_ARRIVALS, pack, pack_answer
from sidecar.gateway.elision import Base64Elision
from sidecar.gateway.head_and_tail import CHUNK_OVERHEAD_BYTES, HeadAndTail
from sidecar.gateway.observer import Answer, Ended
from sidecar.gateway.scanner import SCAN_BYTES

if TYPE_CHECKING:
    from sidecar.gateway.recorder import Asker, Recorder  # which imports this file

REQUEST_HEADERS = (b"content-type", b"content-encoding", b"accept-language", b"traceparent", b"tracestate")
RESPONSE_HEADERS = (b"content-type", b"content-encoding", b"x-request-id", b"request-id", b"x-amzn-errortype")

_NOT_TOLD = math.nan  # a time that equals no other


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
            head.noted = texts = pack_answer(allowed(headers, RESPONSE_HEADERS))
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


def allowed(headers: Iterable[tuple[bytes, bytes]], names: tuple[bytes, ...]) -> tuple[tuple[str, str], ...]:
    """Those of ``headers``, whose names are lower case, that a copy may hold."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers if name in names)
