"""A real OTLP receiver: gRPC and HTTP, keeping what it was sent."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import grpc
from opentelemetry.proto.collector.logs.v1 import logs_service_pb2, logs_service_pb2_grpc
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2, metrics_service_pb2_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


class Received:
    """``spans``, ``metrics`` and ``logs`` as protobuf messages, in order of arrival."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.metrics: list[Any] = []
        self.logs: list[Any] = []
        self.resources: list[dict[str, Any]] = []
        self.endpoint = ""

    def take(self, request: Any) -> None:
        """An export request of any of the three signals."""
        for outer, scopes, inner, kept in (
            ("resource_spans", "scope_spans", "spans", self.spans),
            ("resource_metrics", "scope_metrics", "metrics", self.metrics),
            ("resource_logs", "scope_logs", "log_records", self.logs),
        ):
            for resource in getattr(request, outer, ()):
                self.resources.append(attributes(resource.resource))
                for scope in getattr(resource, scopes):
                    kept.extend(getattr(scope, inner))

    def text(self) -> str:
        """Everything, for searching."""
        return "\n".join(str(message) for message in (*self.spans, *self.metrics, *self.logs, *self.resources))


def attributes(message: Any) -> dict[str, Any]:
    """The attributes of a span, point, record or resource as plain values."""
    found: dict[str, Any] = {}
    for pair in message.attributes:
        kind = pair.value.WhichOneof("value")
        value = getattr(pair.value, kind)
        found[pair.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


@contextmanager
def receiver(protocol: str) -> Iterator[Received]:
    """A receiver on a free port."""
    with _grpc() if protocol == "grpc" else _http() as received:
        yield received


@contextmanager
def _grpc() -> Iterator[Received]:
    received = Received()
    server = grpc.server(ThreadPoolExecutor(2))
    for module, messages, name, answer in (
        (trace_service_pb2_grpc, trace_service_pb2, "TraceService", "ExportTraceServiceResponse"),
        (metrics_service_pb2_grpc, metrics_service_pb2, "MetricsService", "ExportMetricsServiceResponse"),
        (logs_service_pb2_grpc, logs_service_pb2, "LogsService", "ExportLogsServiceResponse"),
    ):
        response = getattr(messages, answer)

        def export(self: Any, request: Any, context: Any, response: Any = response) -> Any:  # gRPC's signature
            received.take(request)
            return response()

        servicer = type(name, (getattr(module, f"{name}Servicer"),), {"Export": export})
        getattr(module, f"add_{name}Servicer_to_server")(servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    received.endpoint = f"http://127.0.0.1:{port}"
    try:
        yield received
    finally:
        server.stop(None).wait()


@contextmanager
def _http() -> Iterator[Received]:
    received = Received()
    requests = {
        "/v1/traces": trace_service_pb2.ExportTraceServiceRequest,
        "/v1/metrics": metrics_service_pb2.ExportMetricsServiceRequest,
        "/v1/logs": logs_service_pb2.ExportLogsServiceRequest,
    }

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            request = requests[self.path]()
            request.ParseFromString(body)
            received.take(request)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    received.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
