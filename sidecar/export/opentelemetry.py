"""OpenTelemetry: a span, the GenAI metrics and a label event for each exchange, an event for each verdict and canary.

No text of prompts or answers, no user and no conversation is ever sent. Spans carry the names that the
traffic gave (models), everything that may become a series only labels of closed sets. The SDK's batching is
bounded and drops: a receiver that is gone costs a count in its log, nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry._logs import Logger, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.metrics import Histogram, Meter
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from detectors.records.exchange import Exchange
from detectors.records.verdict import Verdict
from sidecar.export import semconv
from sidecar.export.base import Seen
from sidecar.export.semconv import Names

LABEL_EVALUATION = "kilter.response_label"
CANARY_EVALUATION = "kilter.canary"
VERDICT_EVENT = "kilter.verdict"
_OF_A_CANARY = ("suite", "group", "family", "variant", "language", "epoch", "repeat")
_SCORES = {"pass": 1.0, "fail": 0.0}
_NS = 1_000_000_000
MOST_TRACESTATE = 512
"""Characters that W3C asks everybody to pass on; of a longer one nothing is, since an entry must not be cut."""
_STEP = {"in_control": SeverityNumber.INFO, "recovered": SeverityNumber.INFO, "out_of_control": SeverityNumber.WARN}


class OpenTelemetryExporter:
    """One destination behind a tracer, a meter and a logger of the SDK."""

    def __init__(self, tracer: Tracer, meter: Meter, logger: Logger, names: Names = semconv.LATEST) -> None:
        self._tracer, self._logger, self._names = tracer, logger, names
        self._context = TraceContextTextMapPropagator()

        self._duration = _histogram(meter, names.request_duration, "s", "Of a request.", semconv.DURATION_BUCKETS)
        self._first = _histogram(
            meter, names.time_to_first_token, "s", "To the first chunk.", semconv.FIRST_TOKEN_BUCKETS
        )
        self._per_token = _histogram(
            meter, names.time_per_output_token, "s", "A token after the first.", semconv.PER_TOKEN_BUCKETS
        )
        self._tokens = _histogram(meter, names.token_usage, "{token}", "Of a request.", semconv.TOKEN_BUCKETS)

    def exchange(self, seen: Seen) -> None:
        """Span, metrics and label events."""
        span = self._span(seen)
        context = set_span_in_context(span)
        ended_ns = int(seen.exchange.started_at_s * _NS) + int(seen.exchange.duration_s * _NS)
        for judgement in seen.features.judgements:
            self._logger.emit(
                timestamp=ended_ns,
                context=context,
                severity_number=SeverityNumber.INFO,
                event_name=self._names.evaluation,
                attributes=self._present(
                    {
                        self._names.evaluation_name: LABEL_EVALUATION,
                        self._names.evaluation_label: judgement.label,
                        self._names.evaluation_explanation: judgement.decided_by,
                        self._names.response_id: seen.exchange.response_id,
                    }
                ),
            )
        span.end(ended_ns)
        self._measure(seen)

    def opaque(self) -> None:
        """Nothing is known of it."""

    def failed(self, stage: str) -> None:
        """Counted elsewhere."""

    def verdict(self, verdict: Verdict) -> None:
        """A state that changed. Windows of many exchanges are no evaluation of one, so the event is Kilter's own."""
        attributes = {
            f"kilter.{name}": value
            for name, value in verdict.to_dict().items()
            if isinstance(value, str | int | float) and name not in ("explanation", "at_s")
        }
        self._logger.emit(
            timestamp=int(verdict.at_s * _NS),
            severity_number=_STEP.get(verdict.state, SeverityNumber.INFO),
            event_name=VERDICT_EVENT,
            body=verdict.explanation,
            attributes=attributes,
        )

    def canary(self, probe: Mapping[str, Any], at_s: float) -> None:
        """What became of a canary; ``probe`` is its record in the evidence log, of names and numbers. Only what was decided
        has a score.
        """
        names, outcome = self._names, probe["outcome"]
        why = ": ".join(word for word in (probe.get("decided_by"), probe.get("reason")) if word)
        self._logger.emit(
            timestamp=int(at_s * _NS),
            severity_number=SeverityNumber.INFO,
            event_name=names.evaluation,
            attributes=self._present(
                {
                    names.evaluation_name: f"{CANARY_EVALUATION}.{probe['suite']}",
                    names.evaluation_label: outcome,
                    names.evaluation_value: _SCORES.get(outcome),
                    names.evaluation_explanation: why or None,
                    names.response_model: probe.get("model") or None,
                    names.error_type: (probe.get("reason") or "_OTHER") if outcome == "error" else None,
                    **{f"{CANARY_EVALUATION}.{name}": probe.get(name) for name in _OF_A_CANARY},
                }
            ),
        )

    def _span(self, seen: Seen) -> Span:
        exchange, names = seen.exchange, self._names
        span = self._tracer.start_span(
            f"{exchange.operation_name} {exchange.request_model or ''}".rstrip(),
            context=self._parent(seen),
            kind=SpanKind.SERVER,
            start_time=int(exchange.started_at_s * _NS),
            attributes=self._present(
                {
                    names.operation: exchange.operation_name,
                    names.provider: exchange.provider_name,
                    names.request_model: exchange.request_model,
                    names.response_model: exchange.response_model,
                    names.response_id: exchange.response_id,
                    names.finish_reasons: exchange.finish_reasons or None,
                    names.input_tokens: exchange.input_tokens,
                    names.output_tokens: exchange.output_tokens,
                    names.stream: exchange.stream,
                    names.first_chunk: exchange.time_to_first_chunk_s,
                    names.status_code: exchange.status,
                    names.error_type: exchange.error_type,
                }
            ),
        )
        if exchange.error_type is not None:
            span.set_status(Status(StatusCode.ERROR))
        return span

    def _parent(self, seen: Seen) -> Context:
        carrier = {"traceparent": seen.traceparent} if seen.traceparent else {}
        if carrier and 0 < len(seen.tracestate) <= MOST_TRACESTATE:
            carrier["tracestate"] = seen.tracestate
        return self._context.extract(carrier, Context())

    def _measure(self, seen: Seen) -> None:
        exchange, names = seen.exchange, self._names
        labels: dict[str, AttributeValue] = {
            names.operation: exchange.operation_name,
            names.provider: exchange.provider_name,
            names.response_model: seen.model,
        }
        failed = {names.error_type: _closed_error(exchange)} if exchange.error_type is not None else {}
        self._duration.record(exchange.duration_s, {**labels, **failed})
        first = exchange.time_to_first_chunk_s
        if exchange.stream and first is not None:
            self._first.record(first, labels)
            if exchange.output_tokens is not None and exchange.output_tokens > 1:
                rest_s = max(0.0, exchange.duration_s - first)
                self._per_token.record(rest_s / (exchange.output_tokens - 1), labels)
        for kind, count in (("input", exchange.input_tokens), ("output", exchange.output_tokens)):
            if count is not None:
                self._tokens.record(count, {**labels, names.token_type: kind})

    @staticmethod
    def _present(attributes: dict[str, AttributeValue | None]) -> dict[str, AttributeValue]:
        return {name: value for name, value in attributes.items() if value is not None}


def _histogram(meter: Meter, name: str, unit: str, description: str, buckets: tuple[float, ...]) -> Histogram:
    return meter.create_histogram(name, unit, description, explicit_bucket_boundaries_advisory=buckets)


def _closed_error(exchange: Exchange) -> str:
    """An error as a label: its status class, since servers name errors as they like."""
    return f"{exchange.status // 100}xx" if exchange.status >= 400 else "stream"
