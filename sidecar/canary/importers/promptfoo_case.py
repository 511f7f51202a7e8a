"""A prompt and a test of promptfoo as one family, or the reason why there is none.

Assertions are taken over by the names in ``sidecar.canary.aliases``. A test is passed over whole where one of them runs code,
is not known here or is changed by a transform: fewer assertions would pass more. ``{{name}}`` is filled in; other templates,
and whatever is named by ``file://`` or an address, are not followed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml
from pydantic import ValidationError

from sidecar.canary.expectation import Expect
from sidecar.canary.importers.family import Taken, literal, slug, spoken

_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_ELSEWHERE = re.compile(
    r"\s*(?:(?:file|package|huggingface)://.*|exec:.*|https?://\S*|\S+\.(?:txt|md|jsonl?|ya?ml|csv|j2|py|[mc]?[jt]s))\s*",
    re.IGNORECASE | re.DOTALL,
)
"""What is not a text but says where one is."""
_GRADED = ("llm-rubric", "g-eval", "model-graded-closedqa")
_LISTS = ("contains-any", "icontains-any", "contains-all", "icontains-all")
_TEXTS = ("equals", "contains", "icontains", "starts-with", "regex")
_TRANSFORMS = ("transform", "postprocess", "transformVars")
_TEMPLATES = "#/assertionTemplates/"


class PassedOverError(Exception):
    """``str()`` is the reason."""


def taken(
    line: int, asked: str, variables: Mapping[str, Any], test: Mapping[str, Any], templates: Mapping[str, Any]
) -> Taken:
    """The family. ``asked``: the prompt with its variables. PassedOverError where it cannot be taken."""
    asked = asked.strip()
    if not asked:
        raise PassedOverError("a prompt without a text")
    options = mapping(test.get("options"))
    if any(name in where for name in _TRANSFORMS for where in (options, test)):
        raise PassedOverError("a test with a transform")
    threshold = test.get("threshold")
    if isinstance(threshold, int | float) and threshold < 1:
        raise PassedOverError("a test with a threshold")
    checks = [made for given in listed(test.get("assert"), "assert") for made in _checks(given, variables, templates)]
    if not checks:
        raise PassedOverError("a test without assertions")
    try:
        Expect.model_validate(literal({"all": checks}))
    except ValidationError:
        raise PassedOverError("an assertion that cannot be taken over") from None
    meta = {key: plain(test[key]) for key in ("description", "metadata") if test.get(key)}
    family = {"group": "promptfoo", **_said(asked), "expect": {"all": checks}, **({"meta": meta} if meta else {})}
    return Taken(line, f"{asked}|{sorted(map(str, checks))}", family)


def mapping(value: Any) -> Mapping[str, Any]:
    """An object, or none; text where one should be names a file."""
    if value is None or isinstance(value, dict):
        return value or {}
    raise PassedOverError("variables in another file, which is not followed")


def listed(value: Any, name: str) -> list[Any]:
    """A list, or none."""
    if value is None or isinstance(value, list):
        return value or []
    raise PassedOverError(f"{name}: not a list")


def filled(text: str, variables: Mapping[str, Any]) -> str:
    """``text`` with its variables. What they say is not looked at again for more."""
    if _ELSEWHERE.fullmatch(text):
        raise PassedOverError("a prompt or value in another file, which is not followed")
    if _TEMPLATE.search(_VARIABLE.sub("", text)):
        raise PassedOverError("a template with more than variables in it")

    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise PassedOverError("a variable without a value")
        found = _shown(variables[match[1]])
        if found.lstrip().lower().startswith("file:"):
            raise PassedOverError("a prompt or value in another file, which is not followed")
        return found

    return _VARIABLE.sub(value, text)


def plain(value: Any) -> Any:
    """Dates and the like as texts, as a suite file holds them."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value if isinstance(value, str | bool | int | float) or value is None else str(value)


def _shown(value: Any) -> str:
    """As a template of promptfoo's shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if not isinstance(value, str | int | float):
        raise PassedOverError("a variable that is not one text")
    return str(value)


def _said(asked: str) -> dict[str, Any]:
    """A text, or messages, which a prompt holds as JSON or YAML."""
    try:
        if asked.startswith("[") and '"role"' in asked:
            messages = json.loads(asked)
        elif re.match(r"- (?:role|content):", asked):
            messages = yaml.safe_load(asked)
        else:
            return {"prompts": {"en": asked}}
    except (ValueError, RecursionError, yaml.YAMLError):
        messages = None
    texts = [
        (str(message.get("role")), message["content"].strip())
        for message in (messages if isinstance(messages, list) else ())
        if isinstance(message, dict) and isinstance(message.get("content"), str)
    ]
    keys = spoken(texts) if texts and len(texts) == len(messages) else {}
    if not keys:
        raise PassedOverError("a prompt of messages that are not all text")
    return keys


def _checks(given: Any, variables: Mapping[str, Any], templates: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One assertion; several of a set; none where it has no weight, since it decides nothing there either."""
    reference = given.get("$ref") if isinstance(given, dict) else None
    if isinstance(reference, str) and reference.startswith(_TEMPLATES):
        given = {**mapping(templates.get(reference.removeprefix(_TEMPLATES))), **given}
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise PassedOverError("an assertion without a type")
    if given.get("weight") == 0:
        return []
    if given["type"] == "assert-set":
        if given.get("threshold") is not None:
            raise PassedOverError("a set of assertions with a threshold")
        return [made for one in listed(given.get("assert"), "assert") for made in _checks(one, variables, templates)]
    return [_assertion(given, variables)]


def _assertion(given: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    kind = given["type"]
    bare, threshold = kind.removeprefix("not-"), given.get("threshold")
    if "transform" in given or "contextTransform" in given:
        raise PassedOverError("an assertion with a transform")
    value = _deep(given.get("value", True), variables)
    if bare in _LISTS and isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    elif bare in _LISTS and isinstance(value, list):
        value = [_shown(part) for part in value]
    elif bare in _TEXTS and isinstance(value, bool | int | float) and "value" in given:
        value = _shown(value)
    if bare in _GRADED and threshold is not None:
        value = {"rubric": value, "min": threshold}
    weight = given.get("weight")
    made: dict[str, Any] = {"type": kind, "value": value}
    if isinstance(weight, int | float):
        made["weight"] = weight
    if bare == "latency":
        made["threshold"] = threshold
    try:
        Expect.model_validate(made)
    except (ValidationError, TypeError):
        raise PassedOverError(f"an assertion that cannot be taken over: {slug(kind) or 'type'}") from None
    return made


def _deep(value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return filled(value, variables)
    if isinstance(value, dict):
        return {str(key): _deep(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [_deep(part, variables) for part in value]
    return value
