"""The real small model. Skipped where it cannot be had; KILTER_REQUIRE_REAL=1 makes that a failure."""

import asyncio
import os

import anthropic
import openai
import psutil
import pytest

from sidecar.demo.model import NAME, SYSTEM_PROMPT, RealModel
from sidecar.demo.router import Router
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.demo.weights import ModelUnavailable, weights

QUESTION = {"role": "user", "content": "Name three colours."}
CHAT = [{"role": "system", "content": SYSTEM_PROMPT}, QUESTION]


def skip(error):
    """Without the model there is nothing to test, unless whoever runs this says it must be there."""
    if os.environ.get("KILTER_REQUIRE_REAL") == "1":
        raise error
    pytest.skip(f"no real model: {error}")


@pytest.fixture
async def model():
    real = RealModel()
    try:
        await real.__aenter__()
    except ModelUnavailable as error:
        skip(error)
    yield real
    await real.stop()


@pytest.mark.timeout(600)
async def test_the_real_model_answers_both_sdks_streamed_and_whole_through_the_router(model):
    async with (
        ScriptedUpstream(router=Router(model.url)) as upstream,
        openai.AsyncOpenAI(base_url=f"{upstream.url}/v1", api_key="k", timeout=300) as chat,
        anthropic.AsyncAnthropic(base_url=upstream.url, api_key="k", timeout=300) as messages,
    ):
        greedy = {"model": NAME, "messages": CHAT, "max_tokens": 16, "temperature": 0}
        whole = await chat.chat.completions.create(**greedy)
        parts = [chunk async for chunk in await chat.chat.completions.create(**greedy, stream=True)]
        answer = await messages.messages.create(model=NAME, max_tokens=16, system=SYSTEM_PROMPT, messages=[QUESTION])
        assert upstream.exchanges == 0
    text = whole.choices[0].message.content
    assert len(text) > 10
    assert "".join(choice.delta.content or "" for part in parts for choice in part.choices) == text
    assert len(parts) > 5
    assert answer.content[0].text
    assert whole.usage.completion_tokens == 16


@pytest.mark.timeout(600)
async def test_the_models_process_ends_when_it_is_left(model):
    process = psutil.Process(model._process.pid)
    await asyncio.wait_for(model.stop(), 10)
    assert not process.is_running()
    await model.stop()


async def test_a_server_that_is_not_ready_in_time_is_stopped_and_told():
    # The weights must be there already: the limit is on the server, not on the fetch.
    try:
        await asyncio.to_thread(weights)
    except ModelUnavailable as error:
        skip(error)
    with pytest.raises(ModelUnavailable, match="not ready within"):
        await RealModel(ready_timeout_s=0.001).__aenter__()
    assert not [child for child in psutil.Process().children() if "sidecar.demo.model" in child.cmdline()]
