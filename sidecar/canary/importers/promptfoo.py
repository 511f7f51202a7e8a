"""A promptfoo configuration (YAML or JSON): each of its prompts with the variables of each of its tests.

Its assertions are taken over by the names in ``sidecar.canary.aliases``. A test is passed over
whole where one of them runs code, is not known here or is changed by a ``transform``: fewer assertions would
pass more. ``{{name}}`` is filled in; other templates, and whatever is named by ``file://`` or an
address, are not followed.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import ValidationError

from sidecar.canary.expectation import Expect
from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, literal, slug
from sidecar.canary.importers.original import Original

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)\s*-?\}\}")
_TEMPLATE = re.compile(r"\{\{|\{%|\{#")
_ELSEWHERE = re.compile(
    r"\s*(?:(?:file|package|huggingface)://.*|exec:.*|https?://\S*|\S+\.(?:txt|md|jsonl?|ya?ml|csv|j2|py|[mc]?[jt]s))\s*",
    re.IGNORECASE | re.DOTALL,
)
"""What is not a text but says where one is."""
_GRADED = ("llm-rubric", "g-eval", "model-graded-closedqa")


class _PassedOverError(Exception):
    """``str()`` is the reason."""


def read(original: Original) -> Read:
    """A family a prompt and test. A row is such a pair."""
    config, places = _config(original)
    common = config.get("defaultTest", {})
    if not isinstance(common, dict):
        raise original.mistake(1, "defaultTest: need its keys here; a file it names is not followed")
    prompts = [_prompt(prompt) for prompt in config["prompts"]]
    for at, test in enumerate(config["tests"]):
        line = places[at]
        for prompt in prompts:
            try:
                yield _taken(line, prompt, common, test)
            except _PassedOverError as error:
                yield Passed(line, str(error))


def _config(original: Original) -> tuple[dict[str, Any], list[int]]:
    """The configuration, and the line of each test."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(original.text, Loader=_LOADER)):
            raise original.mistake(1, "YAML anchors and aliases are not read here")
        root = yaml.compose(original.text, Loader=_LOADER)
        config = yaml.load(original.text, Loader=_LOADER)  # noqa: S506  # the safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise original.mistake(line, "not valid YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise original.mistake(1, "not valid YAML") from None
    if not isinstance(config, dict) or not isinstance(root, yaml.MappingNode):
        raise original.mistake(1, "column prompts, tests is missing")
    nodes = {key.value: value for key, value in root.value}
    for name in ("prompts", "tests"):
        if name not in config:
            raise original.mistake(1, f"column {name} is missing")
        if isinstance(config[name], str) and name == "prompts":
            config[name] = [config[name]]
        elif not isinstance(config[name], list):
            raise original.mistake(
                nodes[name].start_mark.line + 1, f"column {name}: need a list; a file is not followed"
            )
    return config, [node.start_mark.line + 1 for node in nodes["tests"].value]


def _prompt(prompt: Any) -> str:
    """The text of a prompt; empty where it has none here."""
    text = prompt.get("raw") if isinstance(prompt, dict) else prompt
    return text if isinstance(text, str) else ""


def _taken(line: int, prompt: str, common: dict[str, Any], test: Any) -> Taken:
    if not isinstance(test, dict):
        raise _PassedOverError("a test in another file, which is not followed")
    variables = {**_mapping(common.get("vars")), **_mapping(test.get("vars"))}
    asked = _filled(prompt, variables).strip()
    if not asked:
        raise _PassedOverError("a prompt without a text")
    if asked.startswith("[") and '"role"' in asked:
        raise _PassedOverError("a prompt of several messages")
    checks = [_assertion(given, variables) for part in (common, test) for given in _list(part.get("assert"), "assert")]
    if not checks:
        raise _PassedOverError("a test without assertions")
    expect = literal({"all": checks})
    try:
        Expect.model_validate(expect)
    except ValidationError:
        raise _PassedOverError("an assertion that cannot be taken over") from None
    meta = {key: test[key] for key in ("description", "metadata") if test.get(key)}
    family = {
        "group": "promptfoo",
        "prompts": {"en": asked},
        "expect": {"all": checks},
        **({"meta": _plain(meta)} if meta else {}),
    }
    return Taken(line, f"{asked}|{sorted(map(str, checks))}", family)


def _mapping(value: Any) -> dict[str, Any]:
    if value is None or isinstance(value, dict):
        return value or {}
    raise _PassedOverError("variables in another file, which is not followed")


def _list(value: Any, name: str) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise _PassedOverError(f"{name}: not a list")


def _filled(text: str, variables: dict[str, Any]) -> str:
    """``text`` with its variables. What they say is not looked at again for more."""
    if _ELSEWHERE.fullmatch(text):
        raise _PassedOverError("a prompt or value in another file, which is not followed")
    if _TEMPLATE.search(_VARIABLE.sub("", text)):
        raise _PassedOverError("a template with more than variables in it")

    def value(match: re.Match[str]) -> str:
        if match[1] not in variables:
            raise _PassedOverError("a variable without a value")
        found = variables[match[1]]
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise _PassedOverError("a variable that is not one text")
        if str(found).lstrip().lower().startswith("file:"):
            raise _PassedOverError("a prompt or value in another file, which is not followed")
        return str(found)

    return _VARIABLE.sub(value, text)


def _assertion(given: Any, variables: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(given, dict) or not isinstance(given.get("type"), str):
        raise _PassedOverError("an assertion without a type")
    kind = given["type"]
    if "transform" in given or "contextTransform" in given:
        raise _PassedOverError("an assertion with a transform")
    value = _deep(given.get("value", True), variables)
    threshold = given.get("threshold")
    rest = {"weight": given["weight"]} if isinstance(given.get("weight"), int | float) and given["weight"] else {}
    if kind.removeprefix("not-") in _GRADED and threshold is not None:
        value = {"rubric": value, "min": threshold}
    made: dict[str, Any] = {"type": kind, "value": value, **rest}
    if kind.removeprefix("not-") == "latency":
        made["threshold"] = threshold
    try:
        Expect.model_validate(made)
    except (ValidationError, TypeError):
        raise _PassedOverError(f"an assertion that cannot be taken over: {slug(kind) or 'type'}") from None
    return made


def _deep(value: Any, variables: dict[str, Any]) -> Any:
    if isinstance(value, str):
        return _filled(value, variables)
    if isinstance(value, dict):
        return {str(key): _deep(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [_deep(part, variables) for part in value]
    return value


def _plain(value: Any) -> Any:
    """Dates and the like as texts, as a suite file holds them."""
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value if isinstance(value, str | bool | int | float) or value is None else str(value)


IMPORTER = Importer("promptfoo", "promptfoo configuration", read)
