"""The section ``otlp`` of the configuration: what goes to an OpenTelemetry collector."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from sidecar.config_section import Seconds, Section


class Otlp(Section):
    """OpenTelemetry: spans, GenAI metrics and events, never text. Needs `pip install 'kilter[otlp]'`."""

    endpoint: str = Field("", description="The collector, as `http://host:4317`; empty: nothing is sent.")
    protocol: Literal["grpc", "http"] = Field(
        "grpc", description="Over HTTP the paths `/v1/traces` and so on are added."
    )
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every export, for example a token.")
    service_name: str = Field("kilter", min_length=1, description="`service.name` of everything sent.")
    span_ratio: float = Field(1.0, ge=0, le=1, description="Share of the exchanges looked at that get a span.")
    metrics_interval_s: Seconds = Field(60.0, description="Between two exports of metrics.")
    timeout_s: Seconds = Field(5.0, description="An export may take this long.")
    semconv: Literal["latest", "1.36"] = Field("latest", description="Version of the GenAI names.")

    @model_validator(mode="after")
    def _address(self) -> Otlp:
        if self.endpoint and not re.match(r"https?://[^/\s]+", self.endpoint):
            raise ValueError("endpoint: need http://host:port or https://host:port")
        return self
