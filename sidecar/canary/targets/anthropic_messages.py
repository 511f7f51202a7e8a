"""Anthropic Messages, and every server that speaks it."""

from __future__ import annotations

from typing import Any

from sidecar.canary.conversation import Assistant, Ended, Message, Reply, Result
from sidecar.canary.targets.base import Question, Target, UnreadableReplyError, count, items, mapping, tool_call

_VERSION = "2023-06-01"
_ENDED: dict[str, Ended] = {"max_tokens": "length", "model_context_window_exceeded": "length"}


def body(question: Question) -> dict[str, Any]:
    """The request's body. Results of one step go into one user message, as this API wants them."""
    messages: list[dict[str, Any]] = []
    for message in question.messages:
        role, content = _message(message, question)
        if messages and messages[-1]["role"] == role == "user":
            messages[-1]["content"] += content
        else:
            messages.append({"role": role, "content": content})
    sampling = {name: value for name, value in question.sampling.items() if name != "seed"}
    tools = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.parameters} for tool in question.tools
    ]
    return {
        "model": question.model,
        "messages": messages,
        "max_tokens": question.max_tokens,
        **sampling,
        **({"system": question.system} if question.system else {}),
        **({"tools": tools} if tools else {}),
    }


def _message(message: Message, question: Question) -> tuple[str, list[dict[str, Any]]]:
    if isinstance(message, Result):
        return "user", [{"type": "tool_result", "tool_use_id": message.call_id, "content": message.content}]
    if isinstance(message, Assistant):
        calls = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments or {}}
            for call in message.calls
        ]
        text = [{"type": "text", "text": message.text}] if message.text else []
        return "assistant", [*text, *calls]
    images = []
    for path in message.images:
        kind, _, data = question.images[path].removeprefix("data:").partition(";base64,")
        images.append({"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}})
    return "user", [*images, {"type": "text", "text": message.text}]


def read(document: dict[str, Any]) -> Reply:
    """Text and calls of the content. The API's own refusal is a stop reason."""
    if not isinstance(document.get("content"), list):
        raise UnreadableReplyError("no content")
    parts, usage = items(document["content"]), mapping(document.get("usage"))
    stop = str(document.get("stop_reason"))
    return Reply(
        text="".join(str(part.get("text") or "") for part in parts if part.get("type") == "text"),
        calls=tuple(
            tool_call(part.get("id"), part.get("name"), part.get("input"))
            for part in parts
            if part.get("type") == "tool_use"
        ),
        ended=_ENDED.get(stop, "complete"),
        refusal="" if stop == "refusal" else None,
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        model=str(document.get("model") or ""),
    )


def _key(key: str) -> dict[str, str]:
    return {"x-api-key": key, "anthropic-version": _VERSION}


TARGET = Target("anthropic.messages", "/v1/messages", body, read, _key)
