from __future__ import annotations

import logging
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from receiving import Received, attributes, receiver

from detectors.records.exchange import Exchange, Message
from detectors.records.features import Features, Judgement
from detectors.records.verdict import Verdict
from sidecar.export.base import Seen
from sidecar.export.otlp import Otlp, OtlpSettings

SECRET = "wq7-planted-text"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"

PROTOCOLS: tuple[Literal["grpc", "http"], ...] = ("grpc", "http")


def seen(**changes: object) -> Seen:
    fields: dict[str, object] = {
        "operation_name": "chat",
        "provider_name": "openai",
        "request_model": "asked",
        "response_model": "answered",
        "response_id": "r-1",
        "conversation_id": SECRET,
        "user_key": SECRET,
        "input_messages": (Message("user", SECRET),),
        "output_messages": (Message("assistant", SECRET),),
        "finish_reasons": ("stop",),
        "input_tokens": 7,
        "output_tokens": 11,
        "stream": True,
        "time_to_first_chunk_s": 0.25,
        "duration_s": 1.25,
        "started_at_s": 1_700_000_000.0,
        **changes,
    }
    features = Features(
        (Judgement("refusal", marker=True, delivered=False, decided_by="prefix"),), "en", "en", "1", "none", "no_tools"
    )
    return Seen(Exchange(**fields), features, (), "answered", "en", "openai.chat", f"00-{TRACE}-{PARENT}-01")  # type: ignore[arg-type]


def sent(
    protocol: Literal["grpc", "http"], *exchanges: Seen, verdicts: tuple[Verdict, ...] = (), **settings: object
) -> Received:
    with receiver(protocol) as received:
        otlp = Otlp(OtlpSettings(received.endpoint, protocol, service_name="gate", **settings))  # type: ignore[arg-type]
        for exchange in exchanges:
            otlp.exporter.exchange(exchange)
        for verdict in verdicts:
            otlp.exporter.verdict(verdict)
        otlp.close()
    return received


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exchange_is_a_server_span_in_the_callers_trace_with_the_genai_names(
    protocol: Literal["grpc", "http"],
) -> None:
    received = sent(protocol, seen())
    (span,) = received.spans
    assert (span.name, span.kind) == ("chat asked", 2)
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_700_000_000 * 10**9, 1_700_000_001_250_000_000)
    assert attributes(span) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "asked",
        "gen_ai.response.model": "answered",
        "gen_ai.response.id": "r-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 11,
        "gen_ai.request.stream": True,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "http.response.status_code": 200,
    }
    assert {resource["service.name"] for resource in received.resources} == {"gate"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_four_metrics_hold_what_the_exchange_took(protocol: Literal["grpc", "http"]) -> None:
    received = sent(protocol, seen(), seen(stream=False, error_type="rate_limit_exceeded", status=429))
    metrics = {metric.name: metric for metric in received.metrics}
    sums = {
        (
            name,
            *sorted(
                str(value) for key, value in attributes(point).items() if key in ("gen_ai.token.type", "error.type")
            ),
        ): point.sum
        for name, metric in metrics.items()
        for point in metric.histogram.data_points
    }
    assert sums == {
        ("gen_ai.server.request.duration",): 1.25,
        ("gen_ai.server.request.duration", "4xx"): 1.25,
        ("gen_ai.server.time_to_first_token",): 0.25,
        ("gen_ai.server.time_per_output_token",): 0.1,
        ("kilter.token.usage", "input"): 14.0,
        ("kilter.token.usage", "output"): 22.0,
    }
    assert {metric.unit for metric in received.metrics} == {"s", "{token}"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_each_label_is_an_evaluation_of_the_span_and_a_verdict_an_event_of_its_own(
    protocol: Literal["grpc", "http"],
) -> None:
    verdict = Verdict(
        "refusal_by_length",
        "4-7",
        "answered",
        "out_of_control",
        1_700_000_060.0,
        "refusals rose",
        e_value=900.0,
        estimate=0.31,
    )
    received = sent(protocol, seen(), verdicts=(verdict,))
    label, event = received.logs
    (span,) = received.spans
    assert (label.event_name, label.trace_id, label.span_id) == (
        "gen_ai.evaluation.result",
        span.trace_id,
        span.span_id,
    )
    assert attributes(label) == {
        "gen_ai.evaluation.name": "kilter.response_label",
        "gen_ai.evaluation.score.label": "refusal",
        "gen_ai.evaluation.explanation": "prefix",
        "gen_ai.response.id": "r-1",
    }
    assert (event.event_name, event.body.string_value, event.severity_number) == ("kilter.verdict", "refusals rose", 13)
    assert event.time_unix_nano == 1_700_000_060 * 10**9
    kept = attributes(event)
    assert (kept["kilter.stratum"], kept["kilter.state"], kept["kilter.estimate"]) == ("4-7", "out_of_control", 0.31)
    assert "kilter.reference" not in kept


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_text_user_or_conversation_leaves(protocol: Literal["grpc", "http"]) -> None:
    received = sent(protocol, seen())
    assert "answered" in received.text()
    assert SECRET not in received.text()


def test_an_older_version_of_the_conventions_can_be_chosen() -> None:
    (span,) = sent("http", seen(), semconv="1.36").spans
    assert attributes(span)["gen_ai.system"] == "openai"
    assert "gen_ai.provider.name" not in attributes(span)


def test_a_span_ratio_of_zero_sends_metrics_and_no_spans_of_untraced_callers() -> None:
    untraced = seen()
    untraced = Seen(untraced.exchange, untraced.features, (), "answered", "en", "openai.chat", "")
    received = sent("http", untraced, span_ratio=0.0)
    assert (len(received.spans), len(received.metrics) > 0) == (0, True)


PROBE = {
    "suite": "policy_proxy", "group": "adversarial", "family": "roleplay", "variant": "fresh", "language": "tr", "epoch": 7,
    "index": 3, "repeat": 0, "model": "answered", "outcome": "fail", "decided_by": "delivered", "reason": "key_fact",
    "tokens": 90,
}  # fmt: skip


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_canary_is_an_evaluation_with_a_score_where_it_was_decided_and_an_error_type_where_it_was_none(
    protocol: Literal["grpc", "http"],
) -> None:
    with receiver(protocol) as received:
        otlp = Otlp(OtlpSettings(received.endpoint, protocol))
        otlp.exporter.canary(PROBE, 1_700_000_060.0)
        otlp.exporter.canary(
            {**PROBE, "outcome": "error", "reason": "timeout", "decided_by": "server"}, 1_700_000_061.0
        )
        otlp.close()
    failed, error = received.logs
    assert (failed.event_name, failed.time_unix_nano) == ("gen_ai.evaluation.result", 1_700_000_060 * 10**9)
    assert attributes(failed) == {
        "gen_ai.evaluation.name": "kilter.canary.policy_proxy",
        "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.score.value": 0.0,
        "gen_ai.evaluation.explanation": "delivered: key_fact",
        "gen_ai.response.model": "answered",
        "kilter.canary.suite": "policy_proxy",
        "kilter.canary.group": "adversarial",
        "kilter.canary.family": "roleplay",
        "kilter.canary.variant": "fresh",
        "kilter.canary.language": "tr",
        "kilter.canary.epoch": 7,
        "kilter.canary.repeat": 0,
    }
    found = attributes(error)
    assert (found["error.type"], found["gen_ai.evaluation.score.label"]) == ("timeout", "error")
    assert "gen_ai.evaluation.score.value" not in found


def test_a_callers_trace_is_gone_on_with_and_what_is_none_begins_another() -> None:
    """Also where the caller has decided not to sample: then there is no span."""
    whole = seen()

    def spans(traceparent: str) -> list[object]:
        one = Seen(whole.exchange, whole.features, (), "answered", "en", "openai.chat", traceparent)
        return sent("http", one).spans

    (ours,) = spans(f"00-{TRACE}-{PARENT}-01")
    assert (ours.trace_id.hex(), ours.parent_span_id.hex()) == (TRACE, PARENT)  # type: ignore[attr-defined]
    for broken in ("", "nonsense", f"00-{'0' * 32}-{PARENT}-01", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}"):
        (other,) = spans(broken)
        assert (other.trace_id.hex() != TRACE, other.parent_span_id) == (True, b""), broken  # type: ignore[attr-defined]
    assert spans(f"00-{TRACE}-{PARENT}-00") == []


def test_what_vendors_have_added_to_a_callers_trace_goes_on_with_it_unless_it_is_broken_or_too_long() -> None:
    whole = seen()

    def state(tracestate: str, traceparent: str = f"00-{TRACE}-{PARENT}-01") -> tuple[str, str]:
        one = Seen(whole.exchange, whole.features, (), "answered", "en", "openai.chat", traceparent, tracestate)
        (span,) = sent("http", one).spans
        return span.trace_state, span.trace_id.hex()

    assert state("congo=t61rcWkgMzE, rojo=00f067aa0ba902b7") == ("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", TRACE)
    assert state("a=" + "x" * 511) == ("", TRACE)
    assert state("=,;") == ("", TRACE)
    assert state("congo=1", traceparent="nonsense")[0] == ""


def test_no_name_of_the_conventions_is_spelled_outside_of_semconv() -> None:
    root = Path(__file__).parents[3]
    spelled = [
        str(path.relative_to(root))
        for folder in ("sidecar", "detectors")
        for path in (root / folder).rglob("*.py")
        if path.name != "semconv.py" and re.search(r"gen_ai\.|http\.response\.status_code", path.read_text("utf-8"))
    ]
    assert spelled == []


@contextmanager
def black_hole() -> Iterator[str]:
    """Takes connections and whatever is sent, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_exchange_costs_no_more_where_nobody_receives_it(
    protocol: Literal["grpc", "http"], caplog: pytest.LogCaptureFixture
) -> None:
    """In CPU time of the thread that reports, which is the monitor's own; the least of some rounds, since others run beside it."""
    caplog.set_level(logging.CRITICAL)
    one = seen()

    def cost_s(endpoint: str) -> float:
        otlp = Otlp(OtlpSettings(endpoint, protocol, timeout_s=0.3))
        rounds = []
        for _ in range(5):
            begun = time.thread_time()
            for _ in range(200):
                otlp.exporter.exchange(one)
            rounds.append(time.thread_time() - begun)
        begun = time.monotonic()
        otlp.close()
        assert time.monotonic() - begun < 8
        return min(rounds) / 200

    with receiver(protocol) as received:
        usual = cost_s(received.endpoint)
    with black_hole() as silent:
        assert cost_s(silent) < 1.5 * usual + 20e-6
    assert cost_s("http://127.0.0.1:9") < 1.5 * usual + 20e-6


def test_a_receiver_that_is_gone_blocks_nothing_and_ends_in_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    otlp = Otlp(OtlpSettings("http://127.0.0.1:9", "http", timeout_s=0.5))
    begun = time.monotonic()
    for _ in range(3000):
        otlp.exporter.exchange(seen())
    fed = time.monotonic()
    otlp.close()
    assert fed - begun < 5
    assert time.monotonic() - fed < 10
