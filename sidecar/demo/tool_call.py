"""A tool call of the scripted model, with arguments that fit the tool's schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sidecar.demo.asked import Tool

_BY_TYPE: dict[str, Any] = {"string": "sample", "integer": 1, "number": 1.5, "boolean": True, "array": [], "null": None}


@dataclass(frozen=True, slots=True)
class ToolCall:
    """``arguments`` is JSON text."""

    id: str
    name: str
    arguments: str


def call(tool: Tool, key: str) -> ToolCall:
    """A call whose id follows from ``key``.

    >>> call(Tool("add", {"type": "object", "properties": {"a": {"type": "integer"}}}), "k1")
    ToolCall(id='call_k1', name='add', arguments='{"a": 1}')
    """
    return ToolCall(f"call_{key}", tool.name, json.dumps(example({"type": "object", **tool.schema})))


def example(schema: Any) -> Any:
    """A value that fits the parts of JSON Schema that tools use: types, enums, properties.

    >>> example({"type": "object", "properties": {"unit": {"enum": ["C", "F"]}, "day": {"type": ["integer", "null"]}}})
    {'unit': 'C', 'day': 1}
    """
    if not isinstance(schema, dict):
        return "sample"
    options, properties = schema.get("enum"), schema.get("properties")
    if isinstance(options, list) and options:
        return options[0]
    kind = schema.get("type", "object" if isinstance(properties, dict) else "string")
    if isinstance(kind, list):
        kind = next(iter(kind), "string")
    if kind == "object":
        parts = properties if isinstance(properties, dict) else {}
        return {name: example(part) for name, part in parts.items()}
    return _BY_TYPE.get(str(kind), "sample")
