"""The scripted model in OpenAI's Chat Completions format."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

import orjson

from sidecar.demo.asked import Asked, BadRequestError, Item, Tool, asked
from sidecar.demo.script import Choice, Outcome
from sidecar.demo.wire_format import CREATED, WireFormat, objects, pieces, schema_of, text_of

_KINDS = {"user": "human", "assistant": "assistant", "tool": "result", "function": "result"}
_ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}


def read(body: dict[str, Any]) -> Asked:
    """What a request asks. System and developer messages are not part of the conversation."""
    messages = objects(body, "messages")
    if not messages:
        raise BadRequestError("need at least one message in messages")
    options = body.get("stream_options") or {}
    choices, seed, choice = body.get("n") or 1, body.get("seed"), body.get("tool_choice")
    if not isinstance(choices, int) or not 1 <= choices <= 128:
        raise BadRequestError("need 1 <= n <= 128")
    if isinstance(choice, dict):
        function = choice.get("function")
        choice = f"tool:{function.get('name') if isinstance(function, dict) else ''}"
    return asked(
        [_item(message) for message in messages if str(message.get("role")) in _KINDS],
        model=str(body.get("model", "scripted")),
        tools=tuple(_tool(tool) for tool in objects(body, "tools") if isinstance(tool.get("function"), dict)),
        tool_choice=str(choice or "auto"),
        user=str(body.get("safety_identifier") or body.get("user") or ""),
        stream=bool(body.get("stream")),
        include_usage=isinstance(options, dict) and bool(options.get("include_usage")),
        choices=choices,
        seed=seed if isinstance(seed, int) else None,
    )


def _item(message: dict[str, Any]) -> Item:
    if message.get("tool_calls"):
        return Item("calls")
    return Item(_KINDS[message["role"]], text_of(message.get("content")))  # type: ignore[arg-type]  # kinds by table


def _tool(tool: dict[str, Any]) -> Tool:
    return Tool(str(tool["function"].get("name")), schema_of(tool["function"].get("parameters")))


def whole(request: Asked, outcome: Outcome) -> bytes:
    """The answer in one JSON object."""
    return orjson.dumps(
        {
            "id": f"chatcmpl-{outcome.key}",
            "object": "chat.completion",
            "created": CREATED,
            "model": request.model,
            "choices": [
                {"index": index, "message": _message(choice), "logprobs": None, "finish_reason": _finish(choice)}
                for index, choice in enumerate(outcome.choices)
            ],
            "usage": _usage(request, outcome),
            "system_fingerprint": outcome.fingerprint,
        }
    )


def _message(choice: Choice) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text, "refusal": None}
    if choice.calls:
        message["content"] = None
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in choice.calls
        ]
    elif choice.structured:
        message |= {"content": None, "refusal": choice.text}
    return message


def _finish(choice: Choice) -> str:
    return "tool_calls" if choice.calls else "stop"


def _usage(request: Asked, outcome: Outcome) -> dict[str, int]:
    output = sum(
        len(pieces(choice.text)) + sum(len(pieces(call.arguments)) + 4 for call in choice.calls)
        for choice in outcome.choices
    )
    total = request.input_tokens + output
    return {"prompt_tokens": request.input_tokens, "completion_tokens": output, "total_tokens": total}


def frames(request: Asked, outcome: Outcome) -> list[bytes]:
    """The stream, one event a part. The choices' events alternate, as servers send them."""
    head = orjson.dumps(
        {
            "id": f"chatcmpl-{outcome.key}",
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": request.model,
            "system_fingerprint": outcome.fingerprint,
        }
    )[:-1]
    # Everything but the choice is the same in each event: render it once.
    head = b"data: " + head + b',"choices":['
    tail = b'],"usage":null}\n\n' if request.include_usage else b"]}\n\n"
    columns = [_choice_parts(index, choice) for index, choice in enumerate(outcome.choices)]
    events = [head + part + tail for row in zip_longest(*columns) for part in row if part is not None]
    if request.include_usage:
        events.append(head + b'],"usage":' + orjson.dumps(_usage(request, outcome)) + b"}\n\n")
    return [*events, b"data: [DONE]\n\n"]


def _choice_parts(index: int, choice: Choice) -> list[bytes]:
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
    for at, call in enumerate(choice.calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append({"tool_calls": [{"index": at, "id": call.id, "type": "function", "function": function}]})
        deltas += [{"tool_calls": [{"index": at, "function": {"arguments": part}}]} for part in pieces(call.arguments)]
    deltas += [{"refusal" if choice.structured else "content": piece} for piece in pieces(choice.text)]
    head = b'{"index":%d,"delta":' % index
    parts = [head + orjson.dumps(delta) + b',"logprobs":null,"finish_reason":null}' for delta in deltas]
    return [*parts, head + b'{},"logprobs":null,"finish_reason":"%s"}' % _finish(choice).encode()]


def error(status: int, message: str) -> bytes:
    """An error's body."""
    kind = _ERROR_TYPES.get(status, "server_error")
    return orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}})


FORMAT = WireFormat(
    path="/v1/chat/completions",
    read=read,
    whole=whole,
    frames=frames,
    error=error,
    error_frame=b"data: " + error(500, "The scripted model stopped half-way.") + b"\n\n",
)
