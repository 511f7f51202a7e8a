"""JSON Schemas of suite files: checked when read, and never fetching anything.

``$ref`` may point into the schema itself only; ``pattern`` runs on RE2. Draft 2020-12
unless ``$schema`` says otherwise.
"""

from __future__ import annotations

from typing import Any

import jsonschema
from jsonschema.validators import extend, validator_for
from referencing import Registry

from sidecar.canary.patterns import PatternError, compiled, found

MAX_DEPTH = 40


class SchemaError(ValueError):
    """The schema cannot be used."""


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Any:
    if isinstance(instance, str) and not found(pattern, instance):
        yield jsonschema.ValidationError("does not match the pattern")


def checked(schema: Any) -> Any:
    """``schema``, or True for "any JSON". SchemaError names what is wrong with it."""
    if schema is True:
        return True
    if not isinstance(schema, dict):
        raise SchemaError("need a JSON Schema, or true for any JSON")
    _walk(schema, 0)
    kind = validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise SchemaError(f"not a JSON Schema: {'.'.join(map(str, error.absolute_path)) or 'top'}") from None
    return schema


def holds(schema: dict[str, Any], value: Any) -> str | None:
    """None where ``value`` fits, else the place of the first mistake (never the value)."""
    kind = validator_for(schema, default=jsonschema.Draft202012Validator)
    safe: Any = extend(kind, {"pattern": _pattern})  # type: ignore[no-untyped-call]  # no types there
    errors = safe(schema, registry=Registry()).iter_errors(value)  # an empty registry: nothing is fetched
    first = min(errors, key=lambda error: list(map(str, error.absolute_path)), default=None)
    if first is None:
        return None
    return f"{'.'.join(map(str, first.absolute_path)) or 'top'}: {first.validator}"


def _walk(node: Any, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise SchemaError(f"need a schema nested at most {MAX_DEPTH} deep")
    if isinstance(node, list):
        for item in node:
            _walk(item, depth + 1)
    if not isinstance(node, dict):
        return
    if isinstance(node.get("patternProperties"), dict):
        raise SchemaError("patternProperties: not supported, for want of a linear matcher")
    for key in ("$ref", "$dynamicRef", "$recursiveRef"):
        target = node.get(key)
        if isinstance(target, str) and not target.startswith("#"):
            raise SchemaError(f"{key}: need a reference within the schema (#…): nothing is fetched")
    if isinstance(node.get("pattern"), str):
        try:
            compiled(node["pattern"])
        except PatternError as error:
            raise SchemaError(f"pattern: {error}") from None
    for value in node.values():
        _walk(value, depth + 1)
