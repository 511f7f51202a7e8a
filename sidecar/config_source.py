"""Where a configuration comes from: a YAML file, the environment, flags; and where in it a mistake stands.

Later sources win: file, then environment, then flags. Values from the environment and from
flags are read as YAML scalars, so that ``KILTER_SAMPLE=0.5`` is a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Key = tuple[str | int, ...]

RESERVED = frozenset({"KILTER_CONFIG", "KILTER_REQUIRE_REAL", "KILTER_CANARY_SECRET", "KILTER_ADMIN_TOKEN"})
"""Variables of ours that are not configuration keys."""

_KUBERNETES_LINK = re.compile(r"KILTER(_[A-Z0-9]+)*_(SERVICE_(HOST|PORT\w*)|PORT(_\d+_(TCP|UDP)\w*)?)$")
"""What Kubernetes sets in every pod beside a Service named kilter."""


class ConfigError(Exception):
    """A mistake in the configuration: ``str()`` is one line for a person."""


@dataclass
class Source:
    """Merged raw values, and for each key where it was given."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[Key, str] = field(default_factory=dict)

    def place(self, key: Key) -> str:
        """Where the key, or the nearest parent that was written down, stands."""
        for end in range(len(key), -1, -1):
            if key[:end] in self.places:
                return self.places[key[:end]]
        return "configuration"

    def put(self, key: Key, value: Any, place: str) -> None:
        """Sets one value, making the sections above it."""
        section = self.values
        for part in key[:-1]:
            below = section.setdefault(str(part), {})
            if not isinstance(below, dict):
                raise ConfigError(f"{place}: {dotted(key)}: {part} is a value here, not a section")
            section = below
        section[str(key[-1])] = value
        self.places[key] = place


def dotted(key: Key) -> str:
    """The key as an operator writes it.

    >>> dotted(("exclude", "paths", 0))
    'exclude.paths[0]'
    """
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key).lstrip(".")


def read_file(path: Path) -> Source:
    """Raw values of a YAML file. ConfigError when it cannot be read, parsed, or repeats a key."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text") from None
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    source = Source()
    if root is None:
        return source
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(
            f"{path}:1: need keys and values at the top level, got a {type(root).__name__.removesuffix('Node').lower()}"
        )
    source.values = _build(root, (), path, source.places)
    return source


def _build(node: yaml.Node, key: Key, path: Path, places: dict[Key, str]) -> Any:
    place = f"{path}:{node.start_mark.line + 1}"
    places.setdefault(key, place)
    if isinstance(node, yaml.MappingNode):
        section: dict[str, Any] = {}
        for name_node, value_node in node.value:
            name = str(name_node.value)
            here = f"{path}:{name_node.start_mark.line + 1}"
            if name in section:
                raise ConfigError(f"{here}: {dotted((*key, name))}: given twice")
            places[(*key, name)] = here
            section[name] = _build(value_node, (*key, name), path, places)
        return section
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*key, index), path, places) for index, item in enumerate(node.value)]
    try:
        return yaml.SafeLoader("").construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError):
        raise ConfigError(f"{place}: {dotted(key)}: this value cannot be read") from None


def add_environment(source: Source, environ: Mapping[str, str]) -> None:
    """``KILTER_LIMITS__INFLIGHT=100`` sets ``limits.inflight``."""
    for name in sorted(environ):
        if not name.startswith("KILTER_") or name in RESERVED or _KUBERNETES_LINK.match(name):
            continue
        key = tuple(part.lower() for part in name.removeprefix("KILTER_").split("__"))
        source.put(key, scalar(environ[name]), f"environment variable {name}")


def add_flags(source: Source, flags: Mapping[str, Any]) -> None:
    """Flags that were given (not None) win over everything."""
    for name, value in flags.items():
        if value is not None:
            source.put((name,), value, f"--{name.replace('_', '-')}")


def scalar(text: str) -> Any:
    """A value from the environment.

    >>> scalar("0.5"), scalar("off"), scalar("[a, b]"), scalar("127.0.0.1:9400")
    (0.5, False, ['a', 'b'], '127.0.0.1:9400')
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text
