"""What a wire format of the scripted upstream offers, and what both formats share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sidecar.demo.asked import Asked, BadRequestError
from sidecar.demo.script import Outcome

CREATED = 1_750_000_000
"""Every answer's time, Unix seconds: a clock would make equal requests give unequal bytes."""
_PIECE = re.compile(r"\s*\S{1,8}|\s+")


@dataclass(frozen=True, slots=True)
class WireFormat:
    """``read`` raises BadRequestError. ``frames`` is a whole event stream, cut between events;
    ``error_frame`` is the event that ends a stream which breaks.
    """

    path: str
    read: Callable[[dict[str, Any]], Asked]
    whole: Callable[[Asked, Outcome], bytes]
    frames: Callable[[Asked, Outcome], list[bytes]]
    error: Callable[[int, str], bytes]
    error_frame: bytes


def pieces(text: str) -> list[str]:
    """The text in parts as a model would stream it; joined they are the text again.

    >>> pieces("Bring water to a boil.")
    ['Bring', ' water', ' to', ' a', ' boil.']
    """
    return _PIECE.findall(text)


def objects(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The list of objects in field ``name``; empty where it is missing or null."""
    value = body.get(name) or []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadRequestError(f"need a list of objects in {name}")
    return value


def text_of(content: object) -> str:
    """Text of a message's content: a string, or the text parts of a list."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(str(part["text"]) for part in parts if isinstance(part, dict) and "text" in part)


def schema_of(value: object) -> dict[str, Any]:
    """A tool's schema; one that is missing, or is no object, asks for no arguments."""
    return value if isinstance(value, dict) else {}
