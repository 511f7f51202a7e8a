from __future__ import annotations

import base64
import json
import os
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.capture import MAX_ARRIVALS, Capture
from sidecar.gateway.counters import CAPTURES, Counters, schema, size_bytes
from sidecar.gateway.observer import Ended
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.ring import Ring, RingReader, RingWriter
from sidecar.monitor.naming import Naming
from sidecar.settings import CaptureSettings, Route

ROUTES = (
    Route("/v1/completions", "openai.completions"),
    Route("/completions", "short"),
    Route("/chat/completions", "openai.chat"),
    Route(":generateContent", "gemini"),
)
TARGET = b"/v1/chat/completions"
JSON = ((b"Content-Type", b"application/json"),)
BODY = json.dumps({"model": "m", "user": "u", "messages": [{"role": "user", "content": "hi"}]}).encode()


class Head:
    """What the relay shows of a head."""

    def __init__(
        self, headers: Any = JSON, *, method: bytes = b"POST", target: Any = TARGET, status: int = 200
    ) -> None:
        self.method, self.target, self.headers, self.status = method, target, headers, status
        self.noted: object = None


class Worker:
    """A recorder with its ring and counters, and what the relay would do with it."""

    def __init__(self, *, ring_bytes: int = 1 << 20, **settings: Any) -> None:
        metrics = schema(["openai.chat"])
        self.counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
        self.memory = bytearray(Ring.size_for(ring_bytes))
        self.ring = RingWriter(self.memory)
        self.reader = RingReader(self.memory)
        self.paused = False
        self.now_s = 99.0
        self.recognised: list[str] = []
        configured = CaptureSettings(**settings)
        self.naming = Naming(b"k" * 32, configured, os.urandom, self.recognised.append)
        self.recorder = Recorder(
            settings=configured,
            routes=ROUTES,
            install_key=b"k" * 32,
            ring=self.ring,
            counters=self.counters,
            wall_clock=lambda: 1.7e9,
            random_bytes=os.urandom,
            paused=lambda: self.paused,
        )

    def exchange(
        self,
        body: bytes = BODY,
        answer: tuple[bytes, ...] = (b"answer",),
        *,
        target: bytes = TARGET,
        headers: tuple[tuple[bytes, bytes], ...] = JSON,
        response_headers: tuple[tuple[bytes, bytes], ...] = JSON,
        ended: Ended = "complete",
        chunk_bytes: int = 1 << 16,
    ) -> None:
        self.now_s += 1.0
        tap = self.recorder.begin(Head(headers, target=target), self.now_s)
        if tap is None:
            return
        for at in range(0, len(body), chunk_bytes):
            tap.request_body([body[at : at + chunk_bytes]])
        tap.request_sent(self.now_s + 0.5)
        tap.response_head(Head(response_headers), self.now_s + 1.0)
        for n, chunk in enumerate(answer):
            tap.response_body([chunk], [self.now_s + 2.0 + n])
        tap.end(ended, self.now_s + 10.0)

    def captures(self) -> list[Capture]:
        return [self.naming.read(record) for record in self.reader.read(10**6, 1 << 40)]

    def outcomes(self) -> dict[str, float]:
        values = {name: self.counters.value(self.counters.cell("kilter_captures_total", name)) for name in CAPTURES}
        return {name: value for name, value in values.items() if value}

    def gauge(self, name: str) -> float:
        return self.counters.value(self.counters.cell(name))


def test_an_exchange_is_recorded_as_the_relay_saw_it() -> None:
    worker = Worker()
    headers = (
        *JSON,
        (b"Accept-Language", b"de"),
        (b"TRACEPARENT", b"00-1"),
        (b"tracestate", b"a=1"),
        (b"Accept", b"*/*"),
    )
    answered = ((b"Content-Type", b"text/event-stream"), (b"X-Request-Id", b"r1"), (b"Server", b"s"))
    worker.exchange(BODY, (b"one", b"two"), headers=headers, response_headers=answered, ended="client_aborted")
    (capture,) = worker.captures()
    assert capture.request_headers == (
        ("content-type", "application/json"),
        ("accept-language", "de"),
        ("traceparent", "00-1"),
        ("tracestate", "a=1"),
    )
    assert capture.response_headers == (("content-type", "text/event-stream"), ("x-request-id", "r1"))
    assert (capture.method, capture.path, capture.protocol) == ("POST", "/v1/chat/completions", "openai.chat")
    assert (capture.request_body, capture.response_body) == (BODY, b"onetwo")
    assert (capture.status, capture.ended, capture.truncated) == (200, "client_aborted", False)
    assert (capture.started_at_s, capture.request_sent_s) == (1.7e9, 0.5)
    assert (capture.first_byte_s, capture.finished_s) == (2.0, 10.0)
    assert capture.arrivals == ((0, 2.0), (3, 3.0))
    assert (capture.key_kind, capture.inclusion_probability, capture.app) == ("first_message", 1.0, "")
    assert len(capture.conversation_key) == 16
    assert capture.user_key is not None
    assert worker.outcomes() == {"sampled": 1}
    assert worker.recognised == ["first_message"]
    assert worker.gauge("kilter_capture_inflight_bytes") == 0


@pytest.mark.parametrize("ended", ["complete", "client_aborted", "upstream_cut"])
def test_no_secret_of_the_head_ever_enters_the_ring(ended: Ended) -> None:
    worker = Worker(
        user_header="x-user", app_header="x-app", apps=("search",), conversation_header="x-conversation"
    )  # fmt: skip
    secret = b"s3cr3t-do-not-copy"
    names = [
        b"Authorization", b"X-Api-Key", b"api-key", b"x-goog-api-key", b"Cookie", b"Proxy-Authorization", b"X-User",
        b"X-App", b"X-Conversation", b"Sec-WebSocket-Protocol", b"X-Amz-Security-Token", b"Referer", b"Host",
    ]  # fmt: skip
    headers = (*JSON, *((name, b"Bearer " + secret) for name in names))
    answered = (*JSON, (b"Set-Cookie", secret), (b"Location", secret), (b"WWW-Authenticate", secret))
    for target in (
        TARGET + b"?key=" + secret,
        b"http://name:" + secret + b"@host" + TARGET + b"?key=" + secret,
        b"http://host?a=" + secret + TARGET,
        TARGET + b"#" + secret,
    ):
        worker.exchange(target=target, headers=headers, response_headers=answered, ended=ended)
    assert len(worker.captures()) == 2  # a target without a path, or with a fragment, carries no known format
    assert secret not in worker.memory
    assert b"hi" in worker.memory


@pytest.mark.parametrize(
    ("method", "target", "headers", "outcome"),
    [
        (b"GET", TARGET, JSON, "skipped"),
        (b"POST", b"/v1/embeddings", JSON, "skipped"),
        (b"POST", TARGET + b"/123", JSON, "skipped"),
        (b"POST", b"/v1/x?/chat/completions", JSON, "skipped"),
        (b"POST", TARGET, ((b"content-type", b"multipart/form-data"),), "skipped"),
        (b"POST", TARGET, ((b"content-type", b"text/plain"),), "skipped"),
        (b"POST", TARGET, (*JSON, (b"X-Load-Test", b"1")), "excluded"),
        (b"POST", b"/eval" + TARGET, JSON, "excluded"),
    ],
)
def test_what_is_not_looked_at_is_refused_at_its_head_and_counted(
    method: bytes, target: bytes, headers: tuple[tuple[bytes, bytes], ...], outcome: str
) -> None:
    worker = Worker(exclude_headers=(("x-load-test", "1"),), exclude_paths=("/eval/",))
    assert worker.recorder.begin(Head(headers, method=method, target=target), 0.0) is None
    assert worker.outcomes() == {outcome: 1}


@pytest.mark.parametrize(
    ("target", "content_type", "protocol"),
    [
        (b"/openai/deployments/d/chat/completions?api-version=1", b"application/json; charset=utf-8", "openai.chat"),
        (b"/v1/completions", b"Application/JSON", "openai.completions"),
        (b"/completions", b"application/json", "short"),
        (b"/v1beta/models/g:generateContent", b"application/json", "gemini"),
        (b"http://host/v1/completions", b"application/json", "openai.completions"),
    ],
)
def test_the_longest_known_end_of_the_path_names_the_protocol(
    target: bytes, content_type: bytes, protocol: str
) -> None:
    worker = Worker()
    worker.exchange(target=target, headers=((b"content-type", content_type),))
    assert [capture.protocol for capture in worker.captures()] == [protocol]


def test_pausing_stops_the_copy_of_new_exchanges_at_once() -> None:
    worker = Worker()
    worker.paused = True
    worker.exchange()
    worker.paused = False
    worker.exchange()
    assert len(worker.captures()) == 1
    assert worker.outcomes() == {"paused": 1, "sampled": 1}


def test_a_conversation_is_in_or_out_of_the_sample_as_a_whole() -> None:
    worker = Worker(sample=0.5)
    for number in range(200):
        messages = [{"role": "user", "content": f"question {number}"}]
        for _ in range(3):
            worker.exchange(json.dumps({"model": "m", "messages": messages}).encode())
            messages += [{"role": "assistant", "content": "a"}, {"role": "user", "content": "more"}]
    captures = worker.captures()
    turns: dict[str, int] = {}
    for capture in captures:
        turns[capture.conversation_key] = turns.get(capture.conversation_key, 0) + 1
    assert set(turns.values()) == {3}
    assert 70 < len(turns) < 130
    assert {capture.inclusion_probability for capture in captures} == {0.5}
    assert worker.outcomes() == {"sampled": 3 * len(turns), "skipped": 600 - 3 * len(turns)}


def test_a_fuller_ring_lowers_the_share_and_the_record_says_so() -> None:
    worker = Worker(ring_bytes=1 << 16)
    for number in range(3000):
        worker.exchange(json.dumps({"messages": [{"role": "user", "content": f"question {number}"}]}).encode())
    shares = [capture.inclusion_probability for capture in worker.captures()]
    assert shares[0] == 1.0
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] <= 0.25
    assert "dropped_ring" not in worker.outcomes()
    assert worker.gauge("kilter_inclusion_probability") <= shares[-1]


def test_admission_does_not_wait_for_a_long_request_or_its_answer() -> None:
    worker = Worker()
    tap = worker.recorder.begin(Head(), 0.0)
    assert tap is not None
    body = json.dumps({"messages": [{"role": "user", "content": "word " * 40_000}], "model": "late"}).encode()
    tap.request_body([body[:70_000]])
    worker.paused = True
    tap.response_head(Head(status=400), 1.0)
    tap.request_body([body[70_000:]])
    tap.response_body([b"too long"], [2.0])
    tap.end("complete", 3.0)
    (capture,) = worker.captures()
    assert capture.request_body == body
    assert (capture.status, capture.request_sent_s) == (400, None)


def test_a_long_request_that_is_not_in_the_sample_is_let_go_before_it_ends() -> None:
    worker = Worker(sample=1e-18)
    tap = worker.recorder.begin(Head(), 0.0)
    assert tap is not None
    tap.request_body([b" " * 60_000])
    assert worker.recorder.inflight_bytes > 60_000
    tap.request_body([b" " * 60_000])
    assert worker.recorder.inflight_bytes == 0
    assert worker.outcomes() == {"skipped": 1}


def test_an_answer_of_the_gateway_itself_is_not_recorded() -> None:
    worker = Worker()
    for sent in (True, False):
        tap = worker.recorder.begin(Head(), 0.0)
        assert tap is not None
        tap.request_body([BODY])
        if sent:
            tap.request_sent(0.1)
        tap.end("upstream_cut", 1.0)
    assert worker.captures() == []
    assert worker.outcomes() == {"skipped": 2}
    assert worker.recorder.inflight_bytes == 0


def test_an_answer_without_a_body_is_recorded_with_no_first_byte() -> None:
    worker = Worker()
    worker.exchange(answer=())
    (capture,) = worker.captures()
    assert (capture.first_byte_s, capture.arrivals, capture.response_body) == (None, (), b"")


def test_a_long_request_is_cut_and_marked() -> None:
    worker = Worker(request_bytes=100_000)
    body = json.dumps({"messages": [{"role": "user", "content": "word " * 40_000}]}).encode()
    worker.exchange(body, chunk_bytes=30_000)
    (capture,) = worker.captures()
    assert capture.request_body == body[:100_000]
    assert capture.request_truncated
    assert worker.outcomes() == {"truncated": 1}


def test_pictures_are_left_out_so_that_the_words_fit() -> None:
    worker = Worker(request_bytes=100_000)
    picture = base64.b64encode(random.Random(1).randbytes(400_000)).decode()
    messages = [{"role": "user", "content": [{"url": picture}, {"text": "a"}]}, {"role": "user", "content": "the end"}]
    worker.exchange(json.dumps({"messages": messages}).encode())
    (capture,) = worker.captures()
    assert len(capture.request_body) < 2000
    assert json.loads(capture.request_body)["messages"][1]["content"] == "the end"
    assert not capture.truncated


def test_of_a_long_answer_head_and_tail_are_kept_and_the_gap_is_stated() -> None:
    worker = Worker(response_head_bytes=5000, response_tail_bytes=3000)
    answer = random.Random(2).randbytes(50_000)
    worker.exchange(answer=tuple(answer[at : at + 700] for at in range(0, len(answer), 700)))
    (capture,) = worker.captures()
    assert capture.response_body == answer[:5000] + answer[-3000:]
    assert (capture.response_head_bytes, capture.response_omitted) == (5000, 42_000)
    assert len(capture.arrivals) == MAX_ARRIVALS
    last = MAX_ARRIVALS - 1
    assert capture.arrivals[last] == (last * 700, last + 2.0)
    assert worker.outcomes() == {"truncated": 1}


def test_a_full_ring_drops_the_record_and_counts_it() -> None:
    worker = Worker(ring_bytes=4096)
    worker.exchange(answer=(b"x" * 8000,))
    assert worker.captures() == []
    assert worker.outcomes() == {"dropped_ring": 1}


def test_the_budget_bounds_what_all_open_exchanges_hold_together() -> None:
    worker = Worker(inflight_bytes=200_000, sample=1.0)
    taps = []
    for number in range(40):
        tap = worker.recorder.begin(Head(), 0.0)
        assert tap is not None
        tap.request_body([b'{"prompt":"%d"}' % number])
        tap.request_sent(0.1)
        tap.response_head(Head(status=200), 0.2)
        taps.append(tap)
    for _ in range(100):
        for tap in taps:
            tap.response_body([b"x" * 200], [1.0])
            assert worker.recorder.inflight_bytes <= 200_000
    assert worker.recorder.probability(9.0) < 0.1
    for tap in taps:
        tap.end("complete", 2.0)
    outcomes = worker.outcomes()
    assert outcomes["dropped_budget"] > 0
    assert outcomes["sampled"] > 0
    assert outcomes["dropped_budget"] + outcomes["sampled"] == 40
    assert worker.recorder.inflight_bytes == 0
    assert {len(capture.response_body) for capture in worker.captures()} == {20_000}, "a copy is whole or not there"


def test_a_body_that_comes_byte_by_byte_counts_by_the_memory_it_takes() -> None:
    worker = Worker()
    tap = worker.recorder.begin(Head(), 0.0)
    assert tap is not None
    for _ in range(1000):
        tap.request_body([b" "])
    assert worker.recorder.inflight_bytes > 50_000
    tap.end("client_aborted", 1.0)
    assert worker.recorder.inflight_bytes == 0


calls = st.lists(
    st.one_of(
        st.tuples(st.just("request_body"), st.lists(st.binary(max_size=50), max_size=3)),
        st.tuples(st.just("request_sent")),
        st.tuples(st.just("response_head")),
        st.tuples(st.just("response_body"), st.lists(st.binary(max_size=50), max_size=3)),
    ),
    max_size=20,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(calls, max_size=6), st.integers(100, 3000), st.floats(0, 1))
def test_whatever_the_relay_does_each_exchange_counts_once_and_nothing_stays_held(
    exchanges: list[list[tuple[Any, ...]]], budget: int, sample: float
) -> None:
    worker = Worker(ring_bytes=4096, inflight_bytes=budget, request_bytes=60, response_head_bytes=40, response_tail_bytes=30, sample=sample)  # fmt: skip
    open_taps = []
    for steps in exchanges:
        tap = worker.recorder.begin(Head(), 0.0)
        assert tap is not None
        for name, *arguments in steps:
            if name == "response_head":
                tap.response_head(Head(status=200), 1.0)
            elif name == "request_body":
                tap.request_body(*arguments)
            elif name == "response_body":
                tap.response_body(*arguments, [1.0] * len(arguments[0]))
            else:
                getattr(tap, name)(*arguments, 1.0)
        open_taps.append(tap)
    for tap in open_taps:
        tap.end("complete", 2.0)
    assert sum(worker.outcomes().values()) == len(exchanges)
    assert worker.outcomes().get("failed") is None
    assert worker.recorder.inflight_bytes == 0
    for capture in worker.captures():
        assert len(capture.request_body) <= 60
        assert len(capture.response_body) <= 70


def broken(*_: object) -> Any:
    raise RuntimeError


@pytest.mark.parametrize("part", ["_paused", "_wall_clock", "admits", "probability", "record"])
def test_no_failure_of_the_recorders_parts_reaches_the_relay(part: str) -> None:
    worker = Worker(sample=1 - 1e-12)  # at 1 nobody asks for randomness
    setattr(worker.recorder, part, broken)
    worker.exchange(b"{}")
    assert worker.outcomes() == {"failed": 1}
    assert worker.recorder.inflight_bytes == 0


@pytest.mark.parametrize("wrong", [None, 7, "text"])
def test_no_senseless_argument_raises(wrong: Any) -> None:
    worker = Worker()
    assert worker.recorder.begin(Head(target=wrong), 0.0) is None
    assert worker.recorder.begin(Head(wrong), 0.0) is None
    for name in ("request_body", "request_sent", "response_head", "response_body", "end"):
        tap = worker.recorder.begin(Head(), 0.0)
        assert tap is not None
        tap.request_body([BODY])
        if name in {"response_body", "end"}:
            tap.request_sent(0.1)
            tap.response_head(Head(status=200), 0.2)
        arguments = {"request_body": (wrong,), "request_sent": ("soon",), "response_head": (wrong, 1.0)}
        getattr(tap, name)(*arguments.get(name, (wrong, "late")))
        tap.end("complete", 1.0)
    assert worker.recorder.inflight_bytes == 0


def test_a_ring_whose_memory_is_gone_costs_the_record_only() -> None:
    worker = Worker()
    tap = worker.recorder.begin(Head(), 0.0)
    assert tap is not None
    tap.request_body([BODY])
    tap.request_sent(0.1)
    tap.response_head(Head(status=200), 0.2)
    worker.ring.close()
    tap.end("complete", 1.0)
    worker.exchange()
    assert worker.outcomes() == {"dropped_ring": 1, "failed": 1}
    assert worker.recorder.inflight_bytes == 0


def test_it_says_until_when_every_copy_has_come_to_its_end() -> None:
    worker = Worker()
    now = [100.0]
    worker.recorder._wall_clock = lambda: now[0]
    first = worker.recorder.begin(Head(), 0.0)
    now[0] = 200.0
    second = worker.recorder.begin(Head(), 1.0)
    now[0] = 300.0
    assert first is not None
    assert second is not None
    assert worker.recorder.finished_until() == 100.0
    first.end("complete", 2.0)
    assert worker.recorder.finished_until() == 200.0
    second.end("client_aborted", 2.0)
    assert worker.recorder.finished_until() == 300.0


def test_a_request_that_comes_whole_is_decided_and_recorded_as_one_that_comes_in_pieces() -> None:
    worker = Worker(sample=0.5)
    let_in = 0
    for number in range(40):
        body = b'{"model":"m","messages":[{"role":"user","content":"conversation %d"}]}' % number
        taps = []
        for whole in (body, None):
            tap = worker.recorder.begin(Head(), 1.0, whole)
            if whole is None:
                assert tap is not None
                tap.request_body([body[:30], body[30:]])
            goes_on = tap is not None and tap.request_sent(1.5)
            taps.append(tap if goes_on else None)
        assert (taps[0] is None) == (taps[1] is None)
        for tap in taps:
            if tap is not None:
                tap.response_head(Head(), 2.0)
                tap.response_body([b"answer"], [2.5])
                tap.end("complete", 3.0)
        captures = worker.captures()
        assert len(captures) in (0, 2)
        if captures:
            let_in += 1
            assert captures[0] == captures[1]
            assert captures[0].request_body == body
    assert 5 < let_in < 35  # a half of 40: the chance to be outside is below 1e-6
    assert worker.outcomes() == {"sampled": 2 * let_in, "skipped": 2 * (40 - let_in)}
    assert worker.gauge("kilter_capture_inflight_bytes") == 0
    assert not worker.recorder.open


def test_a_long_request_that_comes_whole_is_elided_like_any_other() -> None:
    worker = Worker()
    body = b'{"image":"' + b"A" * 30_000 + b'"}'
    tap = worker.recorder.begin(Head(), 1.0, body)
    assert tap is not None
    assert tap.request_sent(1.5)
    tap.response_head(Head(), 2.0)
    tap.end("complete", 3.0)
    (capture,) = worker.captures()
    assert capture.request_body == b'{"image":"' + b"A" * 1024 + b'"}'
