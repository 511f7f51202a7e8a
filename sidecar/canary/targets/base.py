"""What a target file offers: a conversation into a request body, an answer's document into a Reply.

Pure: no file here sends anything. Bodies carry no user, no metadata and no mark of a test, so
that the model cannot tell a canary from traffic.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sidecar.canary.targets
from sidecar.canary.conversation import Message, OfferedTool, Reply, ToolCall


class UnreadableReplyError(ValueError):
    """The document is no answer of this API."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request. ``sampling``: temperature, top_p, seed as far as given. ``images``: by path, as a data URL."""

    model: str
    system: str
    messages: Sequence[Message]
    tools: Sequence[OfferedTool]
    max_tokens: int
    sampling: Mapping[str, float] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """``path`` follows the base address; ``key_headers`` turn a key into headers.

    ``read`` raises UnreadableReplyError on anything but an answer.
    """

    name: str
    path: str
    body: Callable[[Question], dict[str, Any]]
    read: Callable[[dict[str, Any]], Reply]
    key_headers: Callable[[str], dict[str, str]]

    def url(self, base: str) -> str:
        """Where to send to; ``base`` may already end in the path or in its ``/v1``."""
        base = base.rstrip("/")
        if base.endswith(self.path):
            return base
        head = self.path.split("/")[1]
        return base.removesuffix(f"/{head}") + self.path


@cache
def targets() -> dict[str, Target]:
    """Every target of this folder, by name."""
    package = sidecar.canary.targets
    modules = (importlib.import_module(f"{package.__name__}.{m.name}") for m in pkgutil.iter_modules(package.__path__))
    offered = (getattr(module, "TARGET", None) for module in modules)
    return {target.name: target for target in offered if isinstance(target, Target)}


def bearer(key: str) -> dict[str, str]:
    """The usual header."""
    return {"Authorization": f"Bearer {key}"}


def tool_call(call_id: Any, name: Any, arguments: Any) -> ToolCall:
    """A call as sent: arguments are JSON text or an object; anything else is None."""
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            arguments = None
    return ToolCall(str(call_id or ""), str(name or ""), arguments if isinstance(arguments, dict) else None)


def items(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def mapping(value: Any) -> dict[str, Any]:
    """An object, empty where it is none."""
    return value if isinstance(value, dict) else {}


def count(value: Any) -> int | None:
    """A number of tokens."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
