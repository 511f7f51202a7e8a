"""OTLP, over gRPC or HTTP: the SDK's providers with bounded queues, and how they end.

The exporters come with the extra ``otlp``; without it the configuration is refused at the start.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from sidecar import __version__
from sidecar.export.opentelemetry import OpenTelemetryExporter
from sidecar.export.semconv import VERSIONS

QUEUE = 2048
BATCH = 256
SCOPE = "kilter"


@dataclass(frozen=True, slots=True)
class OtlpSettings:
    """``endpoint`` is ``http://host:4317`` (gRPC) or ``http://host:4318`` (HTTP, paths are added).

    ``span_ratio`` in [0, 1] of the exchanges that are looked at get a span. Times in seconds.
    """

    endpoint: str
    protocol: Literal["grpc", "http"] = "grpc"
    headers: Mapping[str, str] = field(default_factory=dict)
    service_name: str = "kilter"
    span_ratio: float = 1.0
    metrics_interval_s: float = 60.0
    timeout_s: float = 5.0
    semconv: str = "latest"


class OtlpMissingError(Exception):
    """The extra is not installed."""


class Otlp:
    """``exporter`` is the destination; ``close`` sends what is left, within the time limit."""

    def __init__(self, settings: OtlpSettings) -> None:
        spans, metrics, logs = _exporters(settings)
        resource = Resource.create({"service.name": settings.service_name, "service.version": __version__})
        self._tracers = TracerProvider(
            resource=resource,
            sampler=ParentBased(TraceIdRatioBased(settings.span_ratio)),
            shutdown_on_exit=False,
        )
        self._tracers.add_span_processor(BatchSpanProcessor(spans, QUEUE, max_export_batch_size=BATCH))
        reader = PeriodicExportingMetricReader(metrics, settings.metrics_interval_s * 1000, settings.timeout_s * 1000)
        self._meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
        self._loggers = LoggerProvider(resource, shutdown_on_exit=False)
        self._loggers.add_log_record_processor(
            BatchLogRecordProcessor(logs, max_export_batch_size=BATCH, max_queue_size=QUEUE)
        )
        self._timeout_ms = int(settings.timeout_s * 1000)
        self.exporter = OpenTelemetryExporter(
            self._tracers.get_tracer(SCOPE, __version__),
            self._meters.get_meter(SCOPE, __version__),
            self._loggers.get_logger(SCOPE, __version__),
            VERSIONS[settings.semconv],
        )

    def close(self) -> None:
        """Never raises: a receiver that is gone must not keep the monitor."""
        for provider in (self._tracers, self._loggers):
            with contextlib.suppress(Exception):
                provider.force_flush(self._timeout_ms)
        for shutdown in (self._tracers.shutdown, self._loggers.shutdown):
            with contextlib.suppress(Exception):
                shutdown()
        with contextlib.suppress(Exception):
            self._meters.shutdown(self._timeout_ms)


def _exporters(settings: OtlpSettings) -> tuple[SpanExporter, MetricExporter, LogRecordExporter]:
    common: dict[str, Any] = {"headers": dict(settings.headers), "timeout": settings.timeout_s}
    if settings.protocol == "grpc":
        common["insecure"] = not settings.endpoint.startswith("https://")

    def exporter(module: str, name: str, path: str) -> Any:
        try:
            found = importlib.import_module(f"opentelemetry.exporter.otlp.proto.{settings.protocol}.{module}")
        except ImportError:
            raise OtlpMissingError("otlp.endpoint: need the extra: pip install 'kilter[otlp]'") from None
        endpoint = settings.endpoint.rstrip("/")
        return getattr(found, name)(endpoint=endpoint if settings.protocol == "grpc" else endpoint + path, **common)

    return (
        exporter("trace_exporter", "OTLPSpanExporter", "/v1/traces"),
        exporter("metric_exporter", "OTLPMetricExporter", "/v1/metrics"),
        exporter("_log_exporter", "OTLPLogExporter", "/v1/logs"),
    )
