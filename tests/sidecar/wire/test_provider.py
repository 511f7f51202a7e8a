"""What the operator says of the upstream decides where paths leave it open, in the gateway as in the monitor."""

from __future__ import annotations

import pytest

from sidecar import config
from sidecar.gateway.routes import Routes
from sidecar.start import routes, supervisor_settings
from sidecar.wire.base import format_for, formats

PATHS = ["/generate", "/generate_stream", "/", "/invocations", "/v1/chat/completions", "/v1/completions", "/v1/messages",
         "/v1/fim/completions", "/v1/agents/completions", "/completion", "/api/generate", "/v1/responses", "/v1/embeddings",
         "/openai/deployments/d/chat/completions", "/model/m/invoke"]  # fmt: skip


@pytest.mark.parametrize("provider", ["", *sorted({name for each in formats() for name in each.called})])
@pytest.mark.parametrize("path", PATHS)
def test_the_gateway_and_the_decoders_agree(provider, path):
    found = format_for(path, provider)
    assert Routes(routes(provider)).protocol(b"POST", path.encode()) == (found.name if found else "opaque")


@pytest.mark.parametrize(
    ("provider", "path", "protocol"),
    [
        ("", "/generate", "sglang"),
        ("tgi", "/generate", "tgi"),
        ("huggingface", "/", "tgi"),
        ("", "/", "opaque"),
        ("mistral", "/v1/chat/completions", "mistral.chat"),
        ("vllm", "/v1/chat/completions", "openai.chat"),
    ],
)
def test_the_configured_provider_reaches_the_workers(provider, path, protocol):
    told = supervisor_settings(config.load(None, {}, upstream="http://x", provider=provider))
    assert Routes(told.gateway.routes).protocol(b"POST", path.encode()) == protocol
