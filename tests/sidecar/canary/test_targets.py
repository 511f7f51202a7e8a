"""Each API: what is sent is what it wants, what it answers is what is read."""

import pytest

from sidecar.canary.conversation import Assistant, OfferedTool, Result, ToolCall, User
from sidecar.canary.targets.base import Question, UnreadableReplyError, targets

TALK = (
    User("Look at order A1.", ("/a.png",)),
    Assistant("I look.", (ToolCall("c1", "look", {"id": "A1"}), ToolCall("c2", "look", {"id": "B"}))),
    Result("c1", "look", "packed"),
    Result("c2", "look", "lost"),
    Assistant("Packed and lost."),
    User("Thanks."),
)
QUESTION = Question(
    model="m",
    system="Be brief.",
    messages=TALK,
    tools=(OfferedTool("look", "Looks.", {"type": "object"}),),
    max_tokens=64,
    sampling={"temperature": 0.0, "seed": 7},
    images={"/a.png": "data:image/png;base64,QUJD"},
)


def test_there_are_these_targets():
    assert set(targets()) == {"openai.chat", "openai.responses", "anthropic.messages", "ollama"}


@pytest.mark.parametrize("name", targets())
@pytest.mark.parametrize("document", [{}, {"choices": []}, {"output": "x"}, {"content": None}, {"message": "hi"}])
def test_what_is_no_answer_is_said_so(name, document):
    with pytest.raises(UnreadableReplyError):
        targets()[name].read(document)


@pytest.mark.parametrize(
    ("name", "base", "wanted"),
    [
        ("openai.chat", "http://h:1", "http://h:1/v1/chat/completions"),
        ("openai.chat", "http://h:1/v1/", "http://h:1/v1/chat/completions"),
        ("openai.chat", "http://h/x/v1/chat/completions", "http://h/x/v1/chat/completions"),
        ("anthropic.messages", "https://h", "https://h/v1/messages"),
        ("ollama", "http://h:1", "http://h:1/api/chat"),
        ("ollama", "http://h:1/api", "http://h:1/api/chat"),
    ],
)
def test_the_address_follows_from_the_base(name, base, wanted):
    assert targets()[name].url(base) == wanted


def test_a_key_goes_where_each_api_wants_it():
    assert targets()["openai.chat"].key_headers("k") == {"Authorization": "Bearer k"}
    assert targets()["anthropic.messages"].key_headers("k")["x-api-key"] == "k"


def test_openai_chat():
    target = targets()["openai.chat"]
    body = target.body(QUESTION)
    assert [message["role"] for message in body["messages"]] == [
        "system", "user", "assistant", "tool", "tool", "assistant", "user",
    ]  # fmt: skip
    assert body["messages"][1]["content"][1]["image_url"]["url"].startswith("data:image/png")
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"id": "A1"}'}
    assert body["messages"][3] == {"role": "tool", "tool_call_id": "c1", "content": "packed"}
    assert (body["max_tokens"], body["seed"]) == (64, 7)
    message = {
        "content": None,
        "refusal": "No.",
        "tool_calls": [{"id": "x", "function": {"name": "f", "arguments": "[1]"}}],
    }
    reply = target.read({"choices": [{"message": message, "finish_reason": "length"}], "system_fingerprint": "fp"})
    assert (reply.text, reply.refusal, reply.ended, reply.fingerprint) == ("", "No.", "length", "fp")
    assert reply.calls == (ToolCall("x", "f", None),)
    filtered = target.read({"choices": [{"message": {"content": "x"}, "finish_reason": "content_filter"}]})
    assert filtered.ended == "filtered"
    parts = target.read(
        {"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}}]}
    )
    assert parts.text == "ab"


def test_openai_responses():
    target = targets()["openai.responses"]
    body = target.body(QUESTION)
    assert [item.get("role", item.get("type")) for item in body["input"]] == [
        "user", "assistant", "function_call", "function_call", "function_call_output", "function_call_output", "assistant", "user",
    ]  # fmt: skip
    assert body["instructions"] == "Be brief."
    assert body["store"] is False
    assert "seed" not in body
    reply = target.read(
        {
            "model": "m-1",
            "output": [
                {"type": "reasoning"},
                {
                    "type": "message",
                    "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}],
                },
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'},
            ],
            "incomplete_details": {"reason": "max_output_tokens"},
            "usage": {"input_tokens": 3, "output_tokens": 2},
        }
    )
    assert (reply.text, reply.refusal, reply.ended, reply.model) == ("Hi", "No", "length", "m-1")
    assert reply.calls == (ToolCall("c", "f", {"a": 1}),)
    assert (reply.input_tokens, reply.output_tokens) == (3, 2)


def test_anthropic_messages():
    target = targets()["anthropic.messages"]
    body = target.body(QUESTION)
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert [part["type"] for part in body["messages"][2]["content"]] == ["tool_result", "tool_result"]
    assert body["messages"][0]["content"][0]["source"] == {"type": "base64", "media_type": "image/png", "data": "QUJD"}
    assert body["system"] == "Be brief."
    assert "seed" not in body
    content = [{"type": "text", "text": "Hi"}, {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}]
    reply = target.read(
        {"content": content, "stop_reason": "max_tokens", "usage": {"input_tokens": 3, "output_tokens": 2}}
    )
    assert (reply.text, reply.ended, reply.calls) == ("Hi", "length", (ToolCall("c", "f", {"a": 1}),))
    assert target.read({"content": [], "stop_reason": "refusal"}).refusal == ""


def test_ollama():
    target = targets()["ollama"]
    body = target.body(QUESTION)
    assert body["options"] == {"num_predict": 64, "temperature": 0.0, "seed": 7}
    assert body["messages"][1]["images"] == ["QUJD"]
    assert body["messages"][3] == {"role": "tool", "tool_name": "look", "content": "packed"}
    assert body["stream"] is False
    message = {"content": "Hi", "tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}
    reply = target.read({"message": message, "done_reason": "length", "prompt_eval_count": 3, "eval_count": 2})
    assert (reply.text, reply.ended, reply.calls) == ("Hi", "length", (ToolCall("call_0", "f", {"a": 1}),))
    assert (reply.input_tokens, reply.output_tokens) == (3, 2)
