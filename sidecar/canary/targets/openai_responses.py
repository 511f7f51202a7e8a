"""OpenAI Responses. Nothing is stored at the provider: every request carries the whole history."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sidecar.canary.conversation import Assistant, Ended, Message, Reply, Result
from sidecar.canary.targets.base import Question, Target, UnreadableReplyError, bearer, count, items, mapping, tool_call
from sidecar.canary.targets.openai_chat import function

_ENDED: dict[str, Ended] = {"max_output_tokens": "length", "content_filter": "filtered"}


def body(question: Question) -> dict[str, Any]:
    """The request's body. This API knows no seed."""
    sampling = {name: value for name, value in question.sampling.items() if name != "seed"}
    return {
        "model": question.model,
        "input": [item for message in question.messages for item in _items(message, question)],
        "max_output_tokens": question.max_tokens,
        "store": False,
        **sampling,
        **({"instructions": question.system} if question.system else {}),
        **({"tools": [{"type": "function", **function(tool)} for tool in question.tools]} if question.tools else {}),
    }


def _items(message: Message, question: Question) -> Iterator[dict[str, Any]]:
    if isinstance(message, Result):
        yield {"type": "function_call_output", "call_id": message.call_id, "output": message.content}
    elif isinstance(message, Assistant):
        if message.text:
            yield {"role": "assistant", "content": [{"type": "output_text", "text": message.text}]}
        for call in message.calls:
            arguments = json.dumps(call.arguments or {}, ensure_ascii=False)
            yield {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments}
    else:
        images = [{"type": "input_image", "image_url": question.images[path]} for path in message.images]
        yield {"role": "user", "content": [{"type": "input_text", "text": message.text}, *images]}


def read(document: dict[str, Any]) -> Reply:
    """All messages and calls of the output."""
    if not isinstance(document.get("output"), list):
        raise UnreadableReplyError("no output")
    output = items(document["output"])
    parts = [part for item in output if item.get("type") == "message" for part in items(item.get("content"))]
    refusals = [str(part.get("refusal") or "") for part in parts if part.get("type") == "refusal"]
    usage = mapping(document.get("usage"))
    return Reply(
        text="".join(str(part.get("text") or "") for part in parts if part.get("type") == "output_text"),
        calls=tuple(
            tool_call(item.get("call_id"), item.get("name"), item.get("arguments"))
            for item in output
            if item.get("type") == "function_call"
        ),
        ended=_ENDED.get(str(mapping(document.get("incomplete_details")).get("reason")), "complete"),
        refusal="".join(refusals) if refusals else None,
        input_tokens=count(usage.get("input_tokens")),
        output_tokens=count(usage.get("output_tokens")),
        model=str(document.get("model") or ""),
    )


TARGET = Target("openai.responses", "/v1/responses", body, read, bearer)
