"""The official anthropic SDK against the scripted upstream."""

import anthropic
import pytest

from sidecar.demo.language import languages
from sidecar.demo.script import Policy

GERMAN = languages()["de"]
ASK = {
    "model": "m1",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": GERMAN.topics[1].ask}],
}
ANSWER = GERMAN.topics[1].answer
TOOLS = [
    {"name": name, "input_schema": {"type": "object", "properties": {"query": {"type": "string"}}}}
    for name in ("search", "read_page")
]


async def test_a_question_is_answered_with_usage_and_the_true_label(anthropic_served):
    async with anthropic_served(Policy()) as (_, client):
        raw = await client.messages.with_raw_response.create(**ASK)
        message = await raw.parse()
    assert raw.headers["x-scripted-label"] == "compliance"
    assert ([block.text for block in message.content], message.stop_reason) == ([ANSWER], "end_turn")
    assert message.model == "m1"
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 20


async def test_a_stream_gives_the_same_answer_as_one_piece(anthropic_served):
    async with anthropic_served(Policy()) as (_, client):
        pinned = {"x-scripted-exchange": "0"}
        whole = await client.messages.create(**ASK, extra_headers=pinned)
        async with client.messages.stream(**ASK, extra_headers=pinned) as stream:
            text = "".join([part async for part in stream.text_stream])
            final = await stream.get_final_message()
    assert text == ANSWER
    assert (final.id, final.stop_reason) == (whole.id, whole.stop_reason)
    assert final.usage.output_tokens == whole.usage.output_tokens


@pytest.mark.parametrize("structured", [False, True])
async def test_a_refusal_is_text_or_a_stop_reason(anthropic_served, structured):
    async with anthropic_served(Policy(refusal=1.0, structured=structured)) as (upstream, client):
        whole = await client.messages.create(**ASK)
        async with client.messages.stream(**ASK) as stream:
            streamed = await stream.get_final_message()
    for message in (whole, streamed):
        assert message.stop_reason == ("refusal" if structured else "end_turn")
        assert (message.content == []) == structured
        assert structured or message.content[0].text in GERMAN.refusals
    assert upstream.stats["labels"] == {"refusal": 2}


async def test_an_empty_answer_has_no_blocks(anthropic_served):
    async with anthropic_served(Policy(empty=1.0)) as (_, client):
        async with client.messages.stream(**ASK) as stream:
            assert (await stream.get_final_message()).content == []
        assert (await client.messages.create(**ASK)).content == []


@pytest.mark.parametrize("stream", [False, True])
async def test_tools_are_called_one_after_the_other_and_then_it_is_answered(anthropic_served, stream):
    policy = Policy(tool_call=1.0, tool_chain=("search", "read_page"))
    ask, called = ASK | {"messages": list(ASK["messages"]), "tools": TOOLS}, []
    async with anthropic_served(policy) as (_, client):
        for _ in range(3):
            if stream:
                async with client.messages.stream(**ask) as events:
                    message = await events.get_final_message()
            else:
                message = await client.messages.create(**ask)
            uses = [block for block in message.content if block.type == "tool_use"]
            called += [(use.name, use.input, message.stop_reason) for use in uses]
            results = [{"type": "tool_result", "tool_use_id": use.id, "content": "found"} for use in uses]
            ask["messages"] += [
                {"role": "assistant", "content": [block.model_dump(include={"type", "id", "name", "input", "text"})
                                                  for block in message.content]},
                {"role": "user", "content": results},
            ]  # fmt: skip
    assert called == [(name, {"query": "sample"}, "tool_use") for name in ("search", "read_page")]
    assert (message.content[0].text, message.stop_reason) == (ANSWER, "end_turn")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, anthropic.BadRequestError), (429, anthropic.RateLimitError), (529, anthropic.InternalServerError)],
)
async def test_an_error_reaches_the_sdk_as_its_own_kind(anthropic_served, status, kind):
    async with anthropic_served(Policy(error=1.0, error_status=status)) as (_, client):
        with pytest.raises(kind) as raised:
            await client.messages.create(**ASK)
    assert raised.value.status_code == status
    assert raised.value.body["type"] == "error"


async def test_a_stream_can_break_with_an_error_event_half_way(anthropic_served):
    policy = Policy(error=1.0, error_in_stream=True)
    async with anthropic_served(policy) as (_, client), client.messages.stream(**ASK) as stream:
        with pytest.raises(anthropic.APIStatusError, match="half-way"):
            await stream.get_final_message()
