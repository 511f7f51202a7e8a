"""Clients of the scripted upstream: the official SDKs."""

from contextlib import asynccontextmanager

import anthropic
import openai
import pytest

from sidecar.demo.script import Phase, Script
from sidecar.demo.upstream import ScriptedUpstream


@asynccontextmanager
async def _served(client_of, policy, rules=(), **options):
    script = Script(seed=7, phases=(Phase(policy=policy, rules=rules),))
    async with ScriptedUpstream(script, **options) as upstream, client_of(upstream.url) as client:
        yield upstream, client


@pytest.fixture
def openai_served():
    """``async with openai_served(policy) as (upstream, client)``."""

    def serve(policy, **options):
        return _served(
            lambda url: openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0, timeout=10),
            policy,
            **options,
        )

    return serve


@pytest.fixture
def anthropic_served():
    """``async with anthropic_served(policy) as (upstream, client)``."""

    def serve(policy, **options):
        return _served(
            lambda url: anthropic.AsyncAnthropic(base_url=url, api_key="k", max_retries=0, timeout=10),
            policy,
            **options,
        )

    return serve
