"""Does a tool call fit what is expected of it?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sidecar.canary.conversation import ToolCall
from sidecar.canary.expectation import Call, ToolSequence
from sidecar.canary.patterns import PatternError, found
from sidecar.canary.schemas import holds

_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda value, other: bool(value == other),
    "ne": lambda value, other: bool(value != other),
    "gt": lambda value, other: bool(value > other),
    "gte": lambda value, other: bool(value >= other),
    "ge": lambda value, other: bool(value >= other),
    "lt": lambda value, other: bool(value < other),
    "lte": lambda value, other: bool(value <= other),
    "le": lambda value, other: bool(value <= other),
    "in": lambda value, other: value in other,
    "contains": lambda value, other: _folded(other) in _folded(value),
    "regex": lambda value, other: found(str(other), str(value)),
}


def fits(call: ToolCall, wanted: Call) -> bool:
    """Name, arguments and schema."""
    if call.name != wanted.name:
        return False
    arguments = call.arguments or {}
    for condition in (wanted.args, wanted.where):
        if not _subset(arguments, condition):
            return False
    schema = wanted.arguments_schema
    return not isinstance(schema, dict) or (call.arguments is not None and holds(schema, arguments) is None)


def in_order(calls: Sequence[ToolCall], wanted: ToolSequence) -> bool:
    """Whether the names of the calls are the sequence."""
    names = [call.name for call in calls]
    if wanted.exact is not None:
        return names == list(wanted.exact)
    if wanted.subset is not None:
        return set(names) <= set(wanted.subset)
    rest = iter(names)
    return all(name in rest for name in wanted.superset or ())


def _subset(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, dict) and wanted and set(wanted) <= {*_OPERATORS, "exists"}:
        return all(_operator(name, value, other) for name, other in wanted.items())
    if isinstance(wanted, dict):
        return isinstance(value, dict) and all(_member(value, key, part) for key, part in wanted.items())
    if isinstance(wanted, str) and isinstance(value, str):
        return _folded(value).strip() == _folded(wanted).strip()
    if isinstance(wanted, int | float) and isinstance(value, str) and not isinstance(wanted, bool):
        return _as_number(value) == wanted
    return bool(value == wanted)


def _member(value: dict[str, Any], key: str, wanted: Any) -> bool:
    if isinstance(wanted, dict) and set(wanted) == {"exists"}:
        return (key in value) is bool(wanted["exists"])
    return key in value and _subset(value[key], wanted)


def _operator(name: str, value: Any, other: Any) -> bool:
    if name == "exists":
        return bool(other)
    if isinstance(other, int | float) and isinstance(value, str):
        value = _as_number(value)
    try:
        return _OPERATORS[name](value, other)
    except (TypeError, PatternError):
        return False  # unlike kinds do not compare


def _as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _folded(value: Any) -> str:
    return str(value).casefold()
