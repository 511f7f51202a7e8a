"""The scripted model in Anthropic's Messages format. Only the first choice is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from sidecar.demo.asked import Asked, BadRequestError, Item, Tool, asked
from sidecar.demo.script import Choice, Outcome
from sidecar.demo.wire_format import WireFormat, objects, pieces, schema_of, text_of

_TOOL_CHOICES = {"any": "required", "none": "none", "auto": "auto"}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    529: "overloaded_error",
}
_REFUSED = {"type": "refusal", "category": None, "explanation": None}


def read(body: dict[str, Any]) -> Asked:
    """What a request asks."""
    messages = objects(body, "messages")
    if not messages:
        raise BadRequestError("need at least one message in messages")
    choice, metadata = body.get("tool_choice") or {}, body.get("metadata") or {}
    if not isinstance(choice, dict) or not isinstance(metadata, dict):
        raise BadRequestError("need objects in tool_choice and metadata")
    return asked(
        [item for message in messages for item in _items(message)],
        model=str(body.get("model", "scripted")),
        tools=tuple(
            Tool(str(tool.get("name")), schema_of(tool.get("input_schema"))) for tool in objects(body, "tools")
        ),
        tool_choice=f"tool:{choice.get('name')}" if choice.get("type") == "tool" else _choice_word(choice),
        user=str(metadata.get("user_id") or ""),
        stream=bool(body.get("stream")),
    )


def _choice_word(choice: dict[str, Any]) -> str:
    return _TOOL_CHOICES.get(str(choice.get("type")), "auto")


def _items(message: dict[str, Any]) -> Iterator[Item]:
    """A user message may hold tool results and human text at once; results come first."""
    content = message.get("content")
    kinds = (
        {str(block.get("type")) for block in content if isinstance(block, dict)} if isinstance(content, list) else set()
    )
    if message.get("role") == "assistant":
        yield Item("calls") if "tool_use" in kinds else Item("assistant", text_of(content))
    elif message.get("role") == "user":
        if "tool_result" in kinds:
            yield Item("result")
        if kinds != {"tool_result"}:
            yield Item("human", text_of(content))


def _blocks(choice: Choice) -> list[dict[str, Any]]:
    if choice.calls:
        return [
            {"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": orjson.loads(call.arguments)}
            for call in choice.calls
        ]
    return [{"type": "text", "text": choice.text}] if choice.text and not choice.structured else []


def _stop(choice: Choice) -> dict[str, Any]:
    reason = "tool_use" if choice.calls else "refusal" if choice.structured else "end_turn"
    return {
        "stop_reason": reason,
        "stop_sequence": None,
        "stop_details": _REFUSED if choice.structured else None,
    }


def _output_tokens(choice: Choice) -> int:
    return len(pieces(choice.text)) + sum(len(pieces(call.arguments)) + 4 for call in choice.calls)


def _message(request: Asked, outcome: Outcome) -> dict[str, Any]:
    return {"id": f"msg_{outcome.key}", "type": "message", "role": "assistant", "model": request.model}


def whole(request: Asked, outcome: Outcome) -> bytes:
    """The answer in one JSON object."""
    choice = outcome.choices[0]
    usage = {"input_tokens": request.input_tokens, "output_tokens": _output_tokens(choice)}
    return orjson.dumps(
        {**_message(request, outcome), "content": _blocks(choice), **_stop(choice), "usage": usage},
    )


def frames(request: Asked, outcome: Outcome) -> list[bytes]:
    """The stream, one event a part."""
    choice = outcome.choices[0]
    start = {
        **_message(request, outcome),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": request.input_tokens, "output_tokens": 1},
    }
    events = [_event({"type": "message_start", "message": start}), _event({"type": "ping"})]
    for index, block in enumerate(_blocks(choice)):
        is_text = block["type"] == "text"
        kind, field = ("text_delta", "text") if is_text else ("input_json_delta", "partial_json")
        shown = {**block, "text": ""} if is_text else {**block, "input": {}}
        events.append(_event({"type": "content_block_start", "index": index, "content_block": shown}))
        events += [
            _event({"type": "content_block_delta", "index": index, "delta": {"type": kind, field: piece}})
            for piece in pieces(choice.text if is_text else choice.calls[index].arguments)
        ]
        events.append(_event({"type": "content_block_stop", "index": index}))
    usage = {"output_tokens": _output_tokens(choice)}
    events.append(_event({"type": "message_delta", "delta": _stop(choice), "usage": usage}))
    return [*events, _event({"type": "message_stop"})]


def _event(data: dict[str, Any]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (data["type"].encode(), orjson.dumps(data))


def error(status: int, message: str) -> bytes:
    """An error's body."""
    return orjson.dumps(_error(_ERROR_TYPES.get(status, "api_error"), message))


def _error(kind: str, message: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": message}}


FORMAT = WireFormat(
    path="/v1/messages",
    read=read,
    whole=whole,
    frames=frames,
    error=error,
    error_frame=_event(_error("overloaded_error", "The scripted model stopped half-way.")),
)
