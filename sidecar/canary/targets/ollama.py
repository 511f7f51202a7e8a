"""Ollama's own chat API."""

from __future__ import annotations

from typing import Any

from sidecar.canary.conversation import Assistant, Message, Reply, Result
from sidecar.canary.targets.base import Question, Target, UnreadableReplyError, bearer, count, items, mapping, tool_call
from sidecar.canary.targets.openai_chat import function


def body(question: Question) -> dict[str, Any]:
    """The request's body."""
    system = [{"role": "system", "content": question.system}] if question.system else []
    return {
        "model": question.model,
        "messages": [*system, *(_message(message, question) for message in question.messages)],
        "stream": False,
        "options": {"num_predict": question.max_tokens, **question.sampling},
        **(
            {"tools": [{"type": "function", "function": function(t)} for t in question.tools]} if question.tools else {}
        ),
    }


def _message(message: Message, question: Question) -> dict[str, Any]:
    if isinstance(message, Result):
        return {"role": "tool", "tool_name": message.name, "content": message.content}
    if isinstance(message, Assistant):
        calls = [{"function": {"name": call.name, "arguments": call.arguments or {}}} for call in message.calls]
        return {"role": "assistant", "content": message.text, **({"tool_calls": calls} if calls else {})}
    images = [question.images[path].partition(";base64,")[2] for path in message.images]
    return {"role": "user", "content": message.text, **({"images": images} if images else {})}


def read(document: dict[str, Any]) -> Reply:
    """The message. Calls carry no ids here; their place serves."""
    message = document.get("message")
    if not isinstance(message, dict):
        raise UnreadableReplyError("no message")
    calls = items(message.get("tool_calls"))
    return Reply(
        text=str(message.get("content") or ""),
        calls=tuple(
            tool_call(
                f"call_{at}", mapping(call.get("function")).get("name"), mapping(call.get("function")).get("arguments")
            )
            for at, call in enumerate(calls)
        ),
        ended="length" if document.get("done_reason") == "length" else "complete",
        input_tokens=count(document.get("prompt_eval_count")),
        output_tokens=count(document.get("eval_count")),
        model=str(document.get("model") or ""),
    )


TARGET = Target("ollama", "/api/chat", body, read, bearer)
