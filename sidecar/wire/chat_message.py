"""What a message of Chat Completions holds, in a request as in an answer; the Responses API's content is of the same shape."""

from __future__ import annotations

from typing import Any

from sidecar.wire.json_value import items, mapping, text


def content_text(content: Any, kinds: tuple[str, ...] = ("text",), field: str = "text") -> str:
    """Visible text of a content: a string, or parts of which those of ``kinds`` count."""
    if isinstance(content, str):
        return content
    return "".join(text(part.get(field)) for part in items(content) if part.get("type") in kinds)


def call_name(call: dict[str, Any]) -> str:
    """What a call of a function or of a custom tool names; empty where this piece of it names nothing."""
    return text(mapping(call.get("function") or call.get("custom")).get("name"))
