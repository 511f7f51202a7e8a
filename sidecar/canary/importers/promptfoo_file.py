"""A file of promptfoo as plain values, each test or result with its line.

Rules of this file
* YAML is read as promptfoo does, by version 1.2: ``yes`` is a word, and so is a date.
* Anchors are followed, as far as the whole stays small; nothing else in a file is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import yaml

from sidecar.canary.importers.original import Original, json_items

MOST_NODES = 200_000
"""Of a YAML file with its anchors written out: some lines can stand for billions."""
_BASE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_WORDS = {"bool", "int", "float", "timestamp"}


class _Loader(_BASE):  # type: ignore[misc]  # the C loader has no types
    """Of the types that YAML 1.1 sees in plain words, only those of 1.2."""

    yaml_implicit_resolvers = {  # noqa: RUF012  # as PyYAML has it
        first: [(tag, regex) for tag, regex in known if tag.rpartition(":")[2] not in _WORDS]
        for first, known in _BASE.yaml_implicit_resolvers.items()
    }


for _tag, _regex, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+0123456789."),
):  # fmt: skip
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_regex})$"), list(_first))


def _integer(loader: Any, node: yaml.ScalarNode) -> int:
    text = str(loader.construct_scalar(node))
    return int(text, 0) if text[:2] in ("0o", "0x") else int(text)


_Loader.add_constructor("tag:yaml.org,2002:int", _integer)


def document(original: Original) -> tuple[Mapping[str, Any], Mapping[str, list[int]]]:
    """The outermost object, and of its lists the line of each element. ImportMistake where it is none."""
    if original.text.lstrip().startswith("{"):
        try:
            value = json.loads(original.text)
        except (ValueError, RecursionError):
            pass  # YAML may begin so, too
        else:
            return value, _Lines(original)
    try:
        root = yaml.compose(original.text, Loader=_Loader)
        if root is not None and _size(root, {}) > MOST_NODES:
            raise original.mistake(1, f"need at most {MOST_NODES} values, with anchors written out")
        value = yaml.load(original.text, Loader=_Loader)  # noqa: S506  # a safe loader
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise original.mistake(line, "not valid YAML") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise original.mistake(1, "not valid YAML") from None
    if not isinstance(value, dict) or not isinstance(root, yaml.MappingNode):
        raise original.mistake(1, "column prompts, tests is missing")
    places = {
        str(key.value): [item.start_mark.line + 1 for item in node.value]
        if isinstance(node, yaml.SequenceNode)
        else [node.start_mark.line + 1]
        for key, node in root.value
    }
    return value, places


def results(original: Original, *keys: str) -> list[tuple[int, Any]]:
    """(line, element) of the list under ``keys`` of a JSON file."""
    return list(json_items(original, *keys))


class _Lines(dict[str, list[int]]):
    """Of a JSON file; looked up when asked for."""

    def __init__(self, original: Original) -> None:
        super().__init__()
        self._original = original

    def __missing__(self, key: str) -> list[int]:
        return [line for line, _ in json_items(self._original, key)]


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """Values in it. An anchor within itself counts as too many."""
    if id(node) in known:
        return known[id(node)]
    known[id(node)] = MOST_NODES + 1
    inner: list[yaml.Node] = []
    if isinstance(node, yaml.SequenceNode):
        inner = node.value
    elif isinstance(node, yaml.MappingNode):
        inner = [part for pair in node.value for part in pair]
    known[id(node)] = 1 + sum(_size(part, known) for part in inner)
    return known[id(node)]
