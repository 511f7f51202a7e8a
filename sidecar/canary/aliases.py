"""promptfoo's assertion names, rewritten into ours.

Both of its forms are read: ``{type: contains-any, value: […], weight: 2}`` and, as a key of
``expect``, ``contains-any: […]``. ``not-`` before a name negates it. Assertions that run
code (``javascript``, ``python``) are refused: a suite file is data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Rewrite = Callable[[Any], dict[str, Any]]


def _answer(key: str, *, case_sensitive: bool) -> Rewrite:
    return lambda value: {"answer": {key: value, "case_sensitive": case_sensitive}}


def _tool_used(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"must_call": value}
    return {"must_call": [{"name": value["name"]}] if isinstance(value, dict) and "name" in value else value}


def _tool_args(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or "name" not in value:
        raise ValueError("trajectory:tool-args-match: need {name, args}")
    return {"must_call": {"name": value["name"], "args": value.get("args", {})}}


def _tool_sequence(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"tool_sequence": {"superset": value}}
    if not isinstance(value, dict) or "steps" not in value:
        raise ValueError("trajectory:tool-sequence: need a list of names, or {steps, mode}")
    mode = "exact" if value.get("mode") == "exact" else "superset"
    return {"tool_sequence": {mode: value["steps"]}}


REWRITES: dict[str, Rewrite] = {
    "equals": _answer("exact", case_sensitive=True),
    "contains": _answer("any_of", case_sensitive=True),
    "icontains": _answer("any_of", case_sensitive=False),
    "contains-any": _answer("any_of", case_sensitive=True),
    "icontains-any": _answer("any_of", case_sensitive=False),
    "contains-all": _answer("all_of", case_sensitive=True),
    "icontains-all": _answer("all_of", case_sensitive=False),
    "starts-with": _answer("starts_with", case_sensitive=True),
    "regex": _answer("regex", case_sensitive=True),
    "is-json": lambda value: {"json_schema": value if isinstance(value, dict) else True},
    "contains-json": lambda value: {"json_schema": value if isinstance(value, dict) else True, "json_within": True},
    "is-refusal": lambda _: {"refuse": True},
    "llm-rubric": lambda value: {"judge": value},
    "g-eval": lambda value: {"judge": value},
    "model-graded-closedqa": lambda value: {"judge": value},
    "latency": lambda value: {"max_latency": value / 1000},  # milliseconds there
    "trajectory:tool-used": _tool_used,
    "trajectory:tool-args-match": _tool_args,
    "trajectory:tool-sequence": _tool_sequence,
}
RUN_CODE = ("javascript", "python", "ruby", "webhook")


def rewritten(raw: Any) -> Any:
    """``raw`` with foreign names replaced. ValueError for one that cannot be taken over."""
    if isinstance(raw, list):
        return {"all": raw}
    if not isinstance(raw, dict):
        return raw
    if "type" in raw:
        rest = {key: value for key, value in raw.items() if key in ("weight", "severity")}
        value = raw.get("value", True)
        if raw.get("threshold") is not None and str(raw["type"]).removeprefix("not-") == "latency":
            value = raw["threshold"]
        return {**_one(str(raw["type"]), value), **rest}
    own = {key: value for key, value in raw.items() if not _foreign(key)}
    foreign = [_one(key, value) for key, value in raw.items() if _foreign(key)]
    if not foreign:
        return raw
    if len(foreign) == 1 and not set(own) & set(foreign[0]):
        return {**own, **foreign[0]}
    return {**own, "all": [*own.get("all", ()), *foreign]}


def _foreign(key: Any) -> bool:
    name = str(key).removeprefix("not-")
    return name in REWRITES or name in RUN_CODE


def _one(name: str, value: Any) -> dict[str, Any]:
    bare = name.removeprefix("not-")
    if bare in RUN_CODE:
        raise ValueError(f"{name}: runs code, which a suite file may not")
    if bare not in REWRITES:
        raise ValueError(f"{name}: not known; known are {', '.join(REWRITES)}, each also with not-")
    made = REWRITES[bare](value)
    if name == bare:
        return made
    return {"comply": True} if made == {"refuse": True} else {"not": made}
