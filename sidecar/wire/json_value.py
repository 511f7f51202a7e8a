"""JSON as others send it: loaded within bounds, recovered where it was cut, read by type.

``load`` and ``salvage`` never raise. The readers (``text``, ``mapping``, ``items``,
``count``) give the empty value of their type for anything of another type, so that a
decoder reads a hostile document in the same words as a good one.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

MAX_BYTES = 32 << 20
"""Longest document that is loaded. Nesting is bounded by orjson, at 1024 levels."""

SALVAGE_BYTES = 1 << 20
"""How much of a cut document is looked at."""

_MAX_LEVELS = 1000
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+("?)|[\[\]{},]', re.DOTALL)
_CUT_ESCAPE = re.compile(rb"(?<!\\)((?:\\\\)*)\\(?:u[0-9a-fA-F]{0,3})?\Z")
_DECODER = json.JSONDecoder()
_CLOSER = {b"{": b"}", b"[": b"]"}


def load(data: bytes) -> Any:
    """The value, or None where there is none (JSON's ``null`` is of no use to a decoder either).

    What orjson refuses and the field still sends is read on a second, slow try: NaN, UTF-8
    with a broken character, and half a surrogate pair, which becomes U+FFFD.
    """
    if len(data) > MAX_BYTES:
        return None
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    try:
        return _well_formed(json.loads(data.decode("utf-8", "replace")))
    except (ValueError, RecursionError):
        return None


def _well_formed(value: Any) -> Any:
    """``value`` with surrogates paired or replaced, so that every text in it can be encoded."""
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_well_formed(item) for item in value]
    if isinstance(value, dict):
        return {_well_formed(key): _well_formed(item) for key, item in value.items()}
    return value


def salvage(head: bytes) -> Any:
    """What a document that was cut after ``head`` says until there; None where that is nothing.

    A text that was cut is kept as far as it goes. Only the first MiB is looked at.

    >>> salvage(b'{"a": [1, {"b": "cut he')
    {'a': [1, {'b': 'cut he'}]}
    """
    head = head[:SALVAGE_BYTES]
    closers, in_string, last_whole = _outline(head)
    if closers is None:
        return None
    value = load(_CUT_ESCAPE.sub(rb"\1", head) + b'"' + closers) if in_string else load(head + closers)
    if value is None:
        # Cut within a key, a number or a word: back to before it.
        head = head[:last_whole]
        value = load(head + (_outline(head)[0] or b""))
    return value


def last_member(tail: bytes, name: str) -> Any:
    """Value of the last member ``name`` that stands whole in the end of a document, else None.

    >>> last_member(b'ut "}],"usage": {"n": 3}, "id": 1}', "usage")
    {'n': 3}
    """
    start = max((found.end() for found in re.finditer(rb'"%b"\s*:\s*' % name.encode(), tail)), default=None)
    if start is None:
        return None
    try:
        value, _ = _DECODER.raw_decode(tail[start:].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return _well_formed(value)


def _outline(head: bytes) -> tuple[bytes | None, bool, int]:
    """(what closes the brackets that are open at the end; whether a string is; end of the last whole member).

    None in place of the brackets where these do not fit each other, or are too deep to be loaded.
    """
    brackets: list[bytes] = []
    in_string = False
    last_whole = 0
    for match in _TOKEN.finditer(head):
        token = match[0]
        if token == b",":
            last_whole = match.start()
        elif token in _CLOSER:
            brackets.append(_CLOSER[token])
            last_whole = match.end()
            if len(brackets) > _MAX_LEVELS:
                return None, False, 0
        elif token in (b"}", b"]"):
            if not brackets or brackets.pop() != token:
                return None, False, 0
        else:
            in_string = not match[1]
    return b"".join(reversed(brackets)), in_string, last_whole


def text(value: Any) -> str:
    """A string, or the empty one."""
    return value if isinstance(value, str) else ""


def mapping(value: Any) -> dict[str, Any]:
    """An object, or the empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[dict[str, Any]]:
    """The objects of an array; what is none is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value: Any) -> int | None:
    """A whole number that can count something, or None.

    >>> count(3), count(True), count(-1), count("3")
    (3, None, None, None)
    """
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
