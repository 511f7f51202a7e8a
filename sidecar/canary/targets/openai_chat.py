"""OpenAI Chat Completions, and every server that speaks it."""

from __future__ import annotations

import json
from typing import Any

from sidecar.canary.conversation import Assistant, Ended, Message, OfferedTool, Reply, Result
from sidecar.canary.targets.base import Question, Target, UnreadableReplyError, bearer, count, items, mapping, tool_call

_ENDED: dict[str, Ended] = {"length": "length", "content_filter": "filtered"}


def body(question: Question) -> dict[str, Any]:
    """The request's body."""
    system = [{"role": "system", "content": question.system}] if question.system else []
    return {
        "model": question.model,
        "messages": [*system, *(_message(message, question) for message in question.messages)],
        "max_tokens": question.max_tokens,
        **question.sampling,
        **(
            {"tools": [{"type": "function", "function": function(t)} for t in question.tools]} if question.tools else {}
        ),
    }


def function(tool: OfferedTool) -> dict[str, Any]:
    """A tool as this API and its relatives describe it."""
    return {"name": tool.name, "description": tool.description, "parameters": tool.parameters}


def _message(message: Message, question: Question) -> dict[str, Any]:
    if isinstance(message, Result):
        return {"role": "tool", "tool_call_id": message.call_id, "content": message.content}
    if isinstance(message, Assistant):
        calls = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments or {}, ensure_ascii=False)},
            }
            for call in message.calls
        ]
        return {"role": "assistant", "content": message.text, **({"tool_calls": calls} if calls else {})}
    if not message.images:
        return {"role": "user", "content": message.text}
    images = [{"type": "image_url", "image_url": {"url": question.images[path]}} for path in message.images]
    return {"role": "user", "content": [{"type": "text", "text": message.text}, *images]}


def read(document: dict[str, Any]) -> Reply:
    """The first choice."""
    choices = items(document.get("choices"))
    if not choices:
        raise UnreadableReplyError("no choices")
    message, usage = mapping(choices[0].get("message")), mapping(document.get("usage"))
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(str(part.get("text") or "") for part in items(content))
    refusal = message.get("refusal")
    return Reply(
        text=content if isinstance(content, str) else "",
        calls=tuple(
            tool_call(
                call.get("id"),
                mapping(call.get("function")).get("name"),
                mapping(call.get("function")).get("arguments"),
            )
            for call in items(message.get("tool_calls"))
        ),
        ended=_ENDED.get(str(choices[0].get("finish_reason")), "complete"),
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        input_tokens=count(usage.get("prompt_tokens")),
        output_tokens=count(usage.get("completion_tokens")),
        model=str(document.get("model") or ""),
        fingerprint=str(document.get("system_fingerprint") or ""),
    )


TARGET = Target("openai.chat", "/v1/chat/completions", body, read, bearer)
