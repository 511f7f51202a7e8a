"""The names of the OpenTelemetry GenAI conventions, in one place.

The conventions are in development and still move; whoever sends telemetry to tools that know an older
version chooses it by ``otlp.semconv``. Nothing else in Kilter spells one of these names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Names:
    """Attribute, metric and event names of one version of the conventions."""

    operation: str = "gen_ai.operation.name"
    provider: str = "gen_ai.provider.name"
    request_model: str = "gen_ai.request.model"
    response_model: str = "gen_ai.response.model"
    response_id: str = "gen_ai.response.id"
    finish_reasons: str = "gen_ai.response.finish_reasons"
    first_chunk: str = "gen_ai.response.time_to_first_chunk"
    input_tokens: str = "gen_ai.usage.input_tokens"
    output_tokens: str = "gen_ai.usage.output_tokens"
    stream: str = "gen_ai.request.stream"
    token_type: str = "gen_ai.token.type"  # noqa: S105  # an attribute's name
    error_type: str = "error.type"
    status_code: str = "http.response.status_code"

    request_duration: str = "gen_ai.server.request.duration"
    time_to_first_token: str = "gen_ai.server.time_to_first_token"  # noqa: S105  # a metric's name
    time_per_output_token: str = "gen_ai.server.time_per_output_token"  # noqa: S105  # the same
    token_usage: str = "kilter.token.usage"  # noqa: S105  # the conventions know one of clients only

    evaluation: str = "gen_ai.evaluation.result"
    evaluation_name: str = "gen_ai.evaluation.name"
    evaluation_value: str = "gen_ai.evaluation.score.value"
    evaluation_label: str = "gen_ai.evaluation.score.label"
    evaluation_explanation: str = "gen_ai.evaluation.explanation"


LATEST = Names()
VERSIONS = {"latest": LATEST, "1.36": replace(LATEST, provider="gen_ai.system")}
"""``1.36`` is the last version before providers had a name of their own."""

DURATION_BUCKETS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKEN_BUCKETS = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
PER_TOKEN_BUCKETS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5)
TOKEN_BUCKETS = tuple(4**power for power in range(14))
"""The buckets that the conventions advise."""
