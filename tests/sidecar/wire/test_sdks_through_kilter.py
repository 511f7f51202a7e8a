"""The official SDK of each format talks through ``kilter run``; what Kilter extracted is what the SDK saw.

Where llama.cpp speaks the format the real model answers, with ``-m slow``; else, and always, the answers of
the corpus are played.
"""

from __future__ import annotations

import asyncio
import json
import urllib.request

import anthropic
import openai
import overheard
import pytest
import real
from running import RunningKilter

from sidecar.demo.model import ModelUnavailable, RealModel


@pytest.fixture(scope="module")
def player():
    with overheard.Player() as upstream:
        yield upstream


@pytest.fixture(scope="module")
def kilter(player, tmp_path_factory):
    with RunningKilter(player.url, tmp_path_factory.mktemp("kilter")) as running:
        yield running


class Saw:
    """What an SDK gave its user."""

    def __init__(self):
        self.text, self.tools, self.finishes = "", [], []

    def add(self, text=None, tools=(), finish=None):
        self.text += text or ""
        self.tools += [tool for tool in tools if tool]
        self.finishes += [str(getattr(finish, "value", finish))] if finish else []


@pytest.fixture(autouse=True)
def closed_clients():
    """The SDKs' connections are closed by their test, not by the collector in another's."""
    CLIENTS.clear()
    yield
    for client in CLIENTS:
        client.close()


CLIENTS = []


def opened(client):
    CLIENTS.append(client)
    return client


def body_of(case):
    return json.loads(case.capture.request_body)


def openai_chat(url, case):
    saw = Saw()
    client = opened(openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0))
    answer = client.chat.completions.create(**body_of(case))
    for event in answer if body_of(case).get("stream") else [answer]:
        for choice in event.choices:
            said = getattr(choice, "delta", None) or choice.message
            saw.add(said.content, [call.function.name for call in said.tool_calls or ()], choice.finish_reason)
    return saw


def openai_completions(url, case):
    saw = Saw()
    client = opened(openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0))
    answer = client.completions.create(**body_of(case))
    for event in answer if body_of(case).get("stream") else [answer]:
        for choice in event.choices:
            saw.add(choice.text, (), choice.finish_reason)
    return saw


def openai_responses(url, case):
    saw = Saw()
    client = opened(openai.OpenAI(base_url=f"{url}/v1", api_key="k", max_retries=0))
    answer = client.responses.create(**body_of(case))
    if body_of(case).get("stream"):
        answer = next(event.response for event in answer if event.type == "response.completed")
    called = [item.name for item in answer.output if item.type == "function_call"]
    saw.add(answer.output_text, called, answer.status)
    return saw


def anthropic_messages(url, case):
    saw = Saw()
    body = body_of(case)
    client = opened(anthropic.Anthropic(base_url=url, api_key="k", max_retries=0))
    if body.pop("stream", False):
        with client.messages.stream(**body) as stream:
            answer = stream.get_final_message()
    else:
        answer = client.messages.create(**body)
    for block in answer.content:
        saw.add(block.text if block.type == "text" else None, [block.name if block.type == "tool_use" else None])
    saw.add(finish=answer.stop_reason)
    return saw


def gemini(url, case):
    genai = pytest.importorskip("google.genai")
    saw = Saw()
    body = body_of(case)
    client = opened(genai.Client(api_key="k", vertexai=False, http_options={"base_url": url}))
    call = client.models.generate_content_stream if case.kind == "sse" else client.models.generate_content
    answer = call(model="gemini-x", contents=[genai.types.Content.model_validate(each) for each in body["contents"]])
    for event in answer if case.kind == "sse" else [answer]:
        for candidate in event.candidates or ():
            parts = (candidate.content and candidate.content.parts) or ()
            saw.add(None, (), candidate.finish_reason)
            for part in parts:
                saw.add(None if part.thought else part.text, [part.function_call and part.function_call.name])
    return saw


def ollama(url, case):
    client = pytest.importorskip("ollama").Client(host=url)
    opened(client._client)
    saw = Saw()
    body = body_of(case)
    answer = client.chat(
        **{"stream": True} | {key: body[key] for key in ("model", "messages", "tools", "stream") if key in body}
    )
    for event in answer if body.get("stream", True) else [answer]:
        saw.add(
            event.message.content, [call.function.name for call in event.message.tool_calls or ()], event.done_reason
        )
    return saw


def mistral(url, case):
    saw = Saw()
    client = pytest.importorskip("mistralai.client").Mistral(api_key="k", server_url=url)
    opened(client.sdk_configuration.client)
    body = body_of(case)
    streamed = body.pop("stream", False)
    if streamed:
        with client.chat.stream(**body) as stream:
            events = [event.data for event in stream]
    else:
        events = [client.chat.complete(**body)]
    for event in events:
        for choice in event.choices:
            said = choice.delta if streamed else choice.message
            saw.add(said.content or "", [call.function.name for call in said.tool_calls or ()], choice.finish_reason)
    return saw


def bedrock(url, case):
    session = pytest.importorskip("botocore.session").Session()
    client = session.create_client(
        "bedrock-runtime", "us-east-1", endpoint_url=url, aws_access_key_id="k", aws_secret_access_key="s"
    )
    opened(client)
    saw = Saw()
    if "invoke" in case.name:
        answer = client.invoke_model_with_response_stream(modelId="anthropic.claude-x", body=case.capture.request_body)
        for event in answer["body"]:
            inner = json.loads(event["chunk"]["bytes"])
            saw.add(inner.get("delta", {}).get("text"), (), inner.get("delta", {}).get("stop_reason"))
        return saw
    if case.kind == "json":
        answer = client.converse(modelId="anthropic.claude-x", **body_of(case))
        for block in answer["output"]["message"]["content"]:
            saw.add(block.get("text"), [block.get("toolUse", {}).get("name")])
        saw.add(finish=answer["stopReason"])
        return saw
    for event in client.converse_stream(modelId="anthropic.claude-x", **body_of(case))["stream"]:
        started = event.get("contentBlockStart", {}).get("start", {}).get("toolUse", {}).get("name")
        text = event.get("contentBlockDelta", {}).get("delta", {}).get("text")
        saw.add(text, [started], event.get("messageStop", {}).get("stopReason"))
    return saw


def tgi(url, case):
    client = pytest.importorskip("huggingface_hub").InferenceClient(base_url=f"{url}/generate_stream")
    saw = Saw()
    for event in client.text_generation("x", details=True, stream=True):
        if not event.token.special:
            saw.add(event.token.text)
        saw.add(finish=event.details and event.details.finish_reason)
    return saw


def plain_http(url, case):
    """No SDK there is for these: the events, read by hand."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url + case.capture.path, case.capture.request_body, headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        document = json.loads(answer.read())
    saw = Saw()
    saw.add(
        document.get("text") or document["content"],
        (),
        document.get("stop_type") or document["meta_info"]["finish_reason"]["type"],
    )
    return saw


TALKS = {
    ("openai.chat", "plain"): openai_chat,
    ("openai.chat", "streaming"): openai_chat,
    ("openai.chat", "parallel_tools"): openai_chat,
    ("openai.completions", "plain"): openai_completions,
    ("openai.completions", "streaming"): openai_completions,
    ("openai.responses", "plain"): openai_responses,
    ("openai.responses", "streaming"): openai_responses,
    ("anthropic.messages", "plain"): anthropic_messages,
    ("anthropic.messages", "streaming"): anthropic_messages,
    ("anthropic.messages", "parallel_tools"): anthropic_messages,
    ("gemini", "plain"): gemini,
    ("gemini", "streaming"): gemini,
    ("gemini", "parallel_tools"): gemini,
    ("ollama", "plain"): ollama,
    ("ollama", "parallel_tools"): ollama,
    ("mistral.chat", "plain"): mistral,
    ("mistral.chat", "streaming"): mistral,
    ("mistral.chat", "tools"): mistral,
    ("bedrock", "plain"): bedrock,
    ("bedrock", "streaming"): bedrock,
    ("bedrock", "parallel_tools"): bedrock,
    ("bedrock", "invoke_streaming"): bedrock,
    ("tgi", "streaming"): tgi,
    ("sglang", "plain"): plain_http,
    ("llama.cpp", "plain"): plain_http,
}


def heard(exchange):
    called = [
        event.name for message in exchange.output_messages for event in message.tool_events if event.kind == "call"
    ]
    return exchange.response_text, called, list(exchange.finish_reasons)


@pytest.mark.parametrize("talk", TALKS, ids=" ".join)
def test_what_kilter_extracted_is_what_the_sdk_saw(talk, corpus, player, kilter):
    case = next(case for case in corpus if (case.protocol, case.name) == talk)
    player.play(case)
    before = len(overheard.captures(kilter))
    saw = TALKS[talk](kilter.url, case)
    exchange = overheard.exchange_behind(kilter, before)
    assert (saw.text, saw.tools, saw.finishes) == heard(exchange)
    assert saw.text or saw.tools
    assert not exchange.truncated


def test_the_named_provider_decides_on_the_root_path(corpus, player, tmp_path):
    case = next(case for case in corpus if (case.protocol, case.name) == ("tgi", "plain"))
    player.play(case)
    (tmp_path / "kilter.yaml").write_text("provider: tgi\n")
    with RunningKilter(player.url, tmp_path, "--config", str(tmp_path / "kilter.yaml")) as kilter:
        headers = {"content-type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{kilter.url}/", case.capture.request_body, headers)).close()
        assert overheard.exchange_behind(kilter, 0).provider_name == "tgi"


def asked_of_the_model(name, streamed):
    """A request of each of the formats that llama.cpp speaks."""
    said = {"model": "smollm2", "stream": streamed}
    talk = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 12}
    return said | {"openai.completions": {"prompt": "One, two,", "max_tokens": 8},
                   "openai.responses": {"input": "Say hello.", "max_output_tokens": 12}}.get(name, talk)  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_real_model_through_kilter_says_to_both_the_same(tmp_path, capture):
    async def talk():
        async with RealModel() as model:
            await asyncio.to_thread(through, model.url)

    def through(url):
        with RunningKilter(url, tmp_path) as kilter:
            for speak, name in ((openai_chat, "openai.chat"), (openai_completions, "openai.completions"),
                                (openai_responses, "openai.responses"), (anthropic_messages, "anthropic.messages")):  # fmt: skip
                for streamed in (False, True):
                    before = len(overheard.captures(kilter))
                    asked = json.dumps(asked_of_the_model(name, streamed)).encode()
                    saw = speak(kilter.url, type("Asked", (), {"capture": capture(name, asked)}))
                    exchange = overheard.exchange_behind(kilter, before)
                    assert (saw.text, saw.tools, saw.finishes) == heard(exchange), name
                    assert saw.text

    try:
        asyncio.run(talk())
    except ModelUnavailable as error:
        real.missing(str(error))
