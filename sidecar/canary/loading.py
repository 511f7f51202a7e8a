"""Suite files into suites, and mistakes into lines a person can act on: file, line, key, what is needed.

Rules of this file
* YAML without anchors and aliases: a file of a few lines must not unfold into gigabytes.
* JSON lines hold one family each; a first line with ``suite`` and no ``id`` is the suite's head.
* A mistake in one file is that file's alone: ``load_all`` gives the others all the same.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from sidecar.canary.suite import Suite
from sidecar.canary.suite_schema import json_schema
from sidecar.config_source import Key, Source, dotted

MAX_BYTES = 16 << 20
MAX_DEPTH = 40
SUFFIXES = (".yaml", ".yml", ".jsonl")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SuiteError(Exception):
    """A file is no suite: ``str()`` is one line a mistake."""


@dataclass(frozen=True, slots=True)
class LoadedSuite:
    """A suite, where it came from, and where each of its keys stands. ``shown`` is the file's name in messages."""

    suite: Suite
    path: Path
    shown: str
    source: Source
    built_in: bool = False

    def place(self, *key: str | int) -> str:
        """``file:line`` of the key, or of the nearest one above that was written down."""
        return self.source.place(key)


def built_in_paths() -> tuple[Path, ...]:
    """The suites that ship, by name."""
    folder = Path(str(resources.files("sidecar.canary").joinpath("suites")))
    return tuple(sorted(folder.glob("*.yaml")))


def in_directory(folder: Path) -> tuple[Path, ...]:
    """The suite files of a directory, by name. SuiteError when it cannot be read."""
    try:
        return tuple(sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES))
    except OSError as error:
        raise SuiteError(f"{folder}: cannot be read: {error.strerror}") from None


def load_all(paths: Iterable[Path]) -> tuple[LoadedSuite, ...]:
    """Every file. SuiteError with all mistakes of all files, or where two suites share a name."""
    loaded: list[LoadedSuite] = []
    mistakes: list[str] = []
    seen: dict[str, str] = {}
    for path in paths:
        try:
            suite = load(path)
        except SuiteError as error:
            mistakes.append(str(error))
            continue
        name = suite.suite.suite
        if name in seen:
            mistakes.append(f"{suite.place('suite')}: suite: {name} is also the name of {seen[name]}")
        seen[name] = suite.shown
        loaded.append(suite)
    if mistakes:
        raise SuiteError("\n".join(mistakes))
    return tuple(loaded)


def load(path: Path) -> LoadedSuite:
    """One file. SuiteError names each mistake by file, line and key."""
    built_in = path in built_in_paths()
    shown = path.name if built_in else str(path)
    text = _text(path, shown)
    source = _json_lines(text, shown, path.stem) if path.suffix == ".jsonl" else _yaml(text, shown)
    try:
        suite = Suite.model_validate(source.values)
    except ValidationError as error:
        raise SuiteError("\n".join(_explained(source, error))) from None
    return LoadedSuite(suite, path, shown, source, built_in)


def _text(path: Path, shown: str) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise SuiteError(f"{shown}: need at most {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SuiteError(f"{shown}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SuiteError(f"{shown}: not UTF-8 text") from None


def _yaml(text: str, shown: str) -> Source:
    loader = _LOADER(text)
    try:
        while not loader.check_event(yaml.StreamEndEvent):
            event = loader.get_event()
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise SuiteError(f"{shown}:{event.start_mark.line + 1}: anchors and aliases are not read here")
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SuiteError(f"{shown}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError:
        raise SuiteError(f"{shown}:1: not valid YAML") from None
    finally:
        loader.dispose()
    if not isinstance(root, yaml.MappingNode):
        raise SuiteError(f"{shown}:1: need the keys of a suite: version, suite, families")
    source = Source()
    source.values = _built(root, (), shown, source)
    return source


def _built(node: yaml.Node, key: Key, shown: str, source: Source) -> Any:
    place = f"{shown}:{node.start_mark.line + 1}"
    source.places.setdefault(key, place)
    if len(key) > MAX_DEPTH:
        raise SuiteError(f"{place}: {dotted(key)}: nested too deep")
    if isinstance(node, yaml.MappingNode):
        section: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = str(name_node.value)
            here = f"{shown}:{name_node.start_mark.line + 1}"
            if name in section:
                raise SuiteError(f"{here}: {dotted((*key, name))}: given twice")
            source.places[*key, name] = here
            section[name] = _built(value_node, (*key, name), shown, source)
        return section
    if isinstance(node, yaml.SequenceNode):
        return [_built(item, (*key, at), shown, source) for at, item in enumerate(node.value)]
    try:
        return _constructor().construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError):
        raise SuiteError(f"{place}: {dotted(key)}: this value cannot be read") from None


@cache
def _constructor() -> yaml.SafeLoader:
    return yaml.SafeLoader("")


def _json_lines(text: str, shown: str, stem: str) -> Source:
    source = Source(
        values={"version": 1, "suite": stem, "families": []}, places={(): f"{shown}:1", ("families",): f"{shown}:1"}
    )
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        place = f"{shown}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise SuiteError(f"{place}: not JSON") from None
        if not isinstance(value, dict):
            raise SuiteError(f"{place}: need an object with the keys of a family")
        if not source.values["families"] and "suite" in value and "id" not in value:
            source.values.update(value)
            source.places.update({(name,): place for name in value})
            continue
        key: Key = ("families", len(source.values["families"]))
        source.places.update(dict.fromkeys(_keys_below(key, value), place))
        source.values["families"].append(value)
    return source


def _keys_below(key: Key, value: Any) -> Iterator[Key]:
    yield key
    members: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    for name, part in members:
        yield from _keys_below((*key, name), part)


def _explained(source: Source, error: ValidationError) -> list[str]:
    lines: dict[tuple[str, str], str] = {}
    found = error.errors()
    wrong = [item["loc"] for item in found]
    for item in found:
        if item["type"] == "too_short" and any(loc[: len(item["loc"])] == item["loc"] != loc for loc in wrong):
            continue  # what is wrong in its items is told, and they are there
        key, kind = _written(source, item["loc"]), item["type"]
        if kind == "extra_forbidden":
            key = (*_written(source, item["loc"][:-1]), item["loc"][-1])
            near = difflib.get_close_matches(str(key[-1]), _known_keys(), n=1)
            need = f"unknown key; did you mean {near[0]}?" if near else "unknown key"
        elif kind == "missing":
            key = (*key, item["loc"][-1])
            need = "is needed"
        elif kind == "value_error":
            need = str(item.get("ctx", {}).get("error", item["msg"]))
        else:
            need = str(item["msg"]).replace("Input should be", "need")
        lines.setdefault((source.place(key), dotted(key)), need)
    return [f"{place}: {name}: {need}" if name else f"{place}: {need}" for (place, name), need in lines.items()]


def _written(source: Source, location: Sequence[str | int]) -> Key:
    """The part of a location that stands in the file: beyond it are names of alternatives in the format."""
    key: Key = ()
    for part in location:
        longer = (*key, part)
        if longer not in source.places:
            break
        key = longer
    return key


@cache
def _known_keys() -> tuple[str, ...]:
    definitions = json_schema()
    found = set(definitions["properties"])
    for part in definitions["$defs"].values():
        for form in part.get("anyOf", [part]):
            found |= set(form.get("properties", ()))
    return tuple(sorted(found))
