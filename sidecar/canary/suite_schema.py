"""The JSON Schema of suite files, for editors: ``python -m sidecar.canary.suite_schema > suite.schema.json``.

What the format accepts in short is written out here: a text for a list of one, a rubric for a
judge, a tool's name for a call, promptfoo's names beside our own.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sidecar.canary.aliases import REWRITES
from sidecar.canary.suite import Suite

_TEXT, _LIST = {"type": "string"}, {"type": "array"}
_SHORT_FORMS = {
    "Judge": _TEXT,
    "Call": _TEXT,
    "Numeric": {"type": ["number", "string"]},
    "ToolSequence": {"type": "array", "items": _TEXT},
    "Slot": _LIST,
    "Tool": {"type": "object", "required": ["type", "function"]},
}
"""What may stand for a part."""


def json_schema() -> dict[str, Any]:
    """The schema, draft 2020-12."""
    schema = Suite.model_json_schema(by_alias=True, mode="validation")
    parts = schema["$defs"]
    for part in parts.values():
        for name, field in part.get("properties", {}).items():
            part["properties"][name] = _one_or_many(field)
    names = [prefix + name for name in REWRITES for prefix in ("", "not-")]
    expect = parts["Expect"]
    expect["properties"].update({name: {"description": "promptfoo's name"} for name in names})
    expect["properties"].update({"type": {"enum": names}, "value": {}, "threshold": {}})
    parts["Expect"] = {
        "anyOf": [{**expect, "minProperties": 1}, {"type": "array", "items": {"$ref": "#/$defs/Expect"}}]
    }
    wording = parts["Wording"]
    parts["Wording"] = {"anyOf": [wording, wording["properties"]["text"]]}
    for name, short in _SHORT_FORMS.items():
        parts[name] = {"anyOf": [parts[name], short]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Kilter canary suite"}


def _one_or_many(field: dict[str, Any]) -> dict[str, Any]:
    """A list of texts or calls may be written as one of them."""
    options = field.get("anyOf", [field])
    items = [option.get("items", {}) for option in options if option.get("type") == "array"]
    single = [item for item in items if item.get("type") == "string" or _mixed(item)]
    if not single:
        return field
    about = {key: value for key, value in field.items() if key in ("title", "description", "default")}
    return {**about, "anyOf": [*options, *single]}


def _mixed(items: dict[str, Any]) -> bool:
    return items.get("$ref") == "#/$defs/Call" or any(o.get("type") == "string" for o in items.get("anyOf", ()))


if __name__ == "__main__":
    sys.stdout.write(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n")
