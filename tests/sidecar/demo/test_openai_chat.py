"""The official openai SDK against the scripted upstream."""

import json

import openai
import pytest

from sidecar.demo.delivery import Timing
from sidecar.demo.language import languages
from sidecar.demo.script import Policy

ENGLISH = languages()["en"]
QUESTION = [{"role": "user", "content": ENGLISH.topics[0].ask}]
ANSWER = ENGLISH.topics[0].answer
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        },
    }
    for name in ("search", "read_page")
]


async def test_a_question_is_answered_with_usage_and_the_true_label(openai_served):
    async with openai_served(Policy()) as (_, client):
        raw = await client.chat.completions.with_raw_response.create(model="m1", messages=QUESTION)
        answer = raw.parse()
    assert raw.headers["x-scripted-label"] == "compliance"
    assert (answer.model, answer.object, answer.choices[0].finish_reason) == ("m1", "chat.completion", "stop")
    assert answer.choices[0].message.content == ANSWER
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 20


@pytest.mark.parametrize("chunk_s", [0.0, 0.0005])
async def test_a_stream_gives_the_same_answer_as_one_piece(openai_served, chunk_s):
    async with openai_served(Policy(), timing=Timing(chunk_s=chunk_s)) as (upstream, client):
        whole = await client.chat.completions.create(model="m1", messages=QUESTION, seed=1)
        stream = await client.chat.completions.create(
            model="m1", messages=QUESTION, seed=1, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert upstream.stats["streams_open"] == upstream.stats["aborted"] == 0
    assert {chunk.id for chunk in chunks} == {whole.id}
    assert "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices) == ANSWER
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert (chunks[-1].choices, chunks[-1].usage) == ([], whole.usage)


async def test_usage_is_streamed_only_when_it_was_asked_for(openai_served):
    async with openai_served(Policy()) as (_, client):
        stream = await client.chat.completions.create(model="m1", messages=QUESTION, stream=True)
        chunks = [chunk async for chunk in stream]
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)


@pytest.mark.parametrize("structured", [False, True])
async def test_a_refusal_is_text_or_stands_in_the_field_for_it(openai_served, structured):
    async with openai_served(Policy(refusal=1.0, structured=structured)) as (_, client):
        message = (await client.chat.completions.create(model="m", messages=QUESTION)).choices[0].message
        deltas = [
            chunk.choices[0].delta
            async for chunk in await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        ]
    assert (message.refusal or message.content) in ENGLISH.refusals
    assert (message.refusal is not None) == structured
    streamed = "".join((delta.refusal if structured else delta.content) or "" for delta in deltas)
    assert streamed in ENGLISH.refusals
    assert not any((delta.content if structured else delta.refusal) for delta in deltas)


async def test_n_answers_have_a_label_each_in_their_order(openai_served):
    async with openai_served(Policy(refusal=0.5)) as (_, client):
        raw = await client.chat.completions.with_raw_response.create(model="m", messages=QUESTION, n=8, seed=3)
        stream = await client.chat.completions.create(model="m", messages=QUESTION, n=8, seed=3, stream=True)
        texts = dict.fromkeys(range(8), "")
        async for chunk in stream:
            for choice in chunk.choices:
                texts[choice.index] += choice.delta.content or ""
    truth = raw.headers["x-scripted-label"].split(",")
    assert set(truth) == {"refusal", "compliance"}
    answers = [choice.message.content for choice in raw.parse().choices]
    assert ["refusal" if text in ENGLISH.refusals else "compliance" for text in answers] == truth
    assert list(texts.values()) == answers


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_called_one_after_the_other_and_then_it_is_answered(openai_served, stream):
    policy = Policy(tool_call=1.0, tool_chain=("search", "read_page"))
    messages, called = list(QUESTION), []
    async with openai_served(policy) as (_, client):
        for _ in range(3):
            if stream:
                async with client.chat.completions.stream(model="m", messages=messages, tools=TOOLS) as events:
                    choice = (await events.get_final_completion()).choices[0]
            else:
                answer = await client.chat.completions.create(model="m", messages=messages, tools=TOOLS)
                choice = answer.choices[0]
            for call in choice.message.tool_calls or []:
                assert json.loads(call.function.arguments) == {"query": "sample"}
                called.append((call.function.name, choice.finish_reason))
            messages.append(choice.message.model_dump(include={"role", "content", "tool_calls"}, exclude_none=True))
            messages += [
                {"role": "tool", "tool_call_id": call.id, "content": "found"}
                for call in choice.message.tool_calls or []
            ]
    assert called == [("search", "tool_calls"), ("read_page", "tool_calls")]
    assert (choice.message.content, choice.finish_reason) == (ANSWER, "stop")


@pytest.mark.parametrize(
    ("status", "kind"), [(400, openai.BadRequestError), (429, openai.RateLimitError), (503, openai.InternalServerError)]
)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_reaches_the_sdk_as_its_own_kind(openai_served, status, kind, stream):
    async with openai_served(Policy(error=1.0, error_status=status)) as (upstream, client):
        with pytest.raises(kind) as raised:
            await client.chat.completions.create(model="m", messages=QUESTION, stream=stream)
    assert raised.value.status_code == status
    assert raised.value.response.headers["x-scripted-label"] == "error"
    assert upstream.stats["labels"] == {"error": 1}


async def test_a_stream_can_break_with_an_error_event_half_way(openai_served):
    parts = []

    async def read(stream):
        async for chunk in stream:
            parts.append(chunk.choices[0].delta.content or "")

    async with openai_served(Policy(error=1.0, error_in_stream=True)) as (_, client):
        stream = await client.chat.completions.create(model="m", messages=QUESTION, stream=True)
        with pytest.raises(openai.APIError, match="half-way"):
            await read(stream)
    assert ANSWER.startswith("".join(parts))
    assert 0 < len("".join(parts)) < len(ANSWER)


async def test_models_are_listed(openai_served):
    async with openai_served(Policy()) as (_, client):
        assert [model.id async for model in client.models.list()] == ["scripted"]
