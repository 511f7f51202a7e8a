"""JSON as others send it: loaded within bounds, recovered where it was cut, read by type.

``load`` and ``salvage`` never raise. The readers (``text``, ``mapping``, ``items``,
``count``) give the empty value of their type for anything of another type, so that a
decoder reads a hostile document in the same words as a good one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

MAX_BYTES = 32 << 20
"""Longest document that is loaded. Nesting is bounded by orjson, at 1024 levels."""

SALVAGE_BYTES = 1 << 20
SALVAGE_TOKENS = 16_000
"""How much of a cut document is looked at: bytes; strings, brackets and commas."""

TAIL_BYTES = 64 << 10
"""How much of a document's end is searched for a member."""

_BUDGET = 14 << 20
_BUDGET_A_BYTE = 14
_COSTS = {b"[": 800, b"{": 800, b":": 45, b",": 40, b'"': 28}
"""Bytes of memory that each of these stands for, at most; of an array or object more, for the work that it makes."""
_SLOW_SHARE = 8
_SLOW_ESCAPES = 40_000
_CHUNK_BYTES = 64 << 10
_MAX_LEVELS = 1000
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[\[\]{},]', re.DOTALL)
_CUT_UNICODE = re.compile(rb"u[0-9a-fA-F]{0,3}\Z")
_DECODER = json.JSONDecoder()
_CLOSER = {b"{": b"}", b"[": b"]"}


def load(data: bytes) -> Any:
    """The value, or None where there is none (JSON's ``null`` is of no use to a decoder either).

    What orjson refuses and the field still sends is read on a second, slow try: NaN, a byte order
    mark, UTF-8 with a broken character, and half a surrogate pair, which becomes U+FFFD.

    A value may take 60 times its bytes in memory, and time wherever it is looked at. A document
    that might take more than 14 MiB, or 14 times its length, is refused; on the second try, than
    an eighth of that or with more than 40,000 escapes.
    """
    if len(data) > MAX_BYTES or not is_bounded(data):
        return None
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        pass
    if data.count(b"\\") > _SLOW_ESCAPES or not is_bounded(data, _SLOW_SHARE):
        return None
    try:
        value = json.loads(data.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None
    return _well_formed(value) if b"\\ud" in data or b"\\uD" in data else value


def is_bounded(data: bytes, share: int = 1) -> bool:
    """Whether what ``data`` may take in memory is within the budget of ``load``, divided by ``share``."""
    budget = max(_BUDGET, _BUDGET_A_BYTE * len(data)) // share
    if _cost(data) <= budget:
        return True
    # Most of that may stand in texts. What is between quotes that are not escaped does not count.
    unescaped = data.replace(rb"\\", b"").replace(rb"\"", b"")
    cost = _COSTS[b'"'] * unescaped.count(b'"')
    outside = True
    for at in range(0, len(unescaped), _CHUNK_BYTES):
        parts = unescaped[at : at + _CHUNK_BYTES].split(b'"')
        cost += _cost(b"".join(parts[not outside :: 2]))
        outside = outside == (len(parts) % 2 == 1)
    return cost <= budget


def _cost(data: bytes) -> int:
    if len(data) < _BUDGET // _SLOW_SHARE // _COSTS[b"["]:
        return 0  # whatever is in it
    return sum(cost * data.count(token) for token, cost in _COSTS.items())


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

    A text that was cut is kept as far as it goes. Only the first MiB, and the first 16,000
    strings, brackets and commas, are looked at.

    >>> salvage(b'{"a": [1, {"b": "cut he')
    {'a': [1, {'b': 'cut he'}]}
    """
    outline = _outline(head[:SALVAGE_BYTES])
    if outline is None:
        return None
    head = head[: outline.end]
    if outline.in_string:
        value = load(_without_cut_escape(head) + b'"' + outline.closers)
    else:
        value = load(head + outline.closers)
    if value is None:
        # Cut within a key, a number or a word: back to before it.
        head = head[: outline.last_whole]
        before = _outline(head)
        value = load(head + before.closers) if before else None
    return value


def _without_cut_escape(head: bytes) -> bytes:
    r"""``head`` without half an escape at its end: a backslash that begins one, or ``\u`` and up to 3 digits."""
    digits = _CUT_UNICODE.search(head, max(0, len(head) - 4))
    for end in (digits.start() if digits else len(head), len(head)):
        backslashes = end - len(head[:end].rstrip(b"\\"))
        if backslashes % 2:
            return head[: end - 1]
    return head


def last_member(tail: bytes, name: str) -> Any:
    """Value of the last member ``name`` that stands whole in the end of a document, else None.

    >>> last_member(b'ut "}],"usage": {"n": 3}, "id": 1}', "usage")
    {'n': 3}
    """
    tail = tail[-TAIL_BYTES:]
    start = max((found.end() for found in re.finditer(rb'"%b"\s*:\s*' % name.encode(), tail)), default=None)
    if start is None:
        return None
    try:
        value, _ = _DECODER.raw_decode(tail[start:].decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return _well_formed(value)


@dataclass(frozen=True, slots=True)
class _Outline:
    """What a cut document leaves open: ``closers`` close its brackets; ``in_string``: a string is open too.
    ``last_whole`` is the end of the last whole member; what is behind ``end`` was not looked at.
    """

    closers: bytes
    in_string: bool
    last_whole: int
    end: int


def _outline(head: bytes) -> _Outline | None:
    """None where the brackets do not fit each other, or are too deep to be loaded."""
    brackets: list[bytes] = []
    in_string = False
    last_whole = 0
    end = len(head)
    for number, match in enumerate(_TOKEN.finditer(head)):
        token = match[0]
        if number == SALVAGE_TOKENS:
            end = match.start()
            break
        if token == b",":
            last_whole = match.start()
        elif token in _CLOSER:
            brackets.append(_CLOSER[token])
            last_whole = match.end()
            if len(brackets) > _MAX_LEVELS:
                return None
        elif token in (b"}", b"]"):
            if not brackets or brackets.pop() != token:
                return None
        else:
            in_string = not match[1]
    return _Outline(b"".join(reversed(brackets)), in_string, last_whole, end)


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
    """A whole number that can count something, or None. Some gateways write it as a fraction.

    >>> count(3), count(3.0), count(True), count(-1), count("3")
    (3, 3, None, None, None)
    """
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def total(counts: Iterable[int | None]) -> int | None:
    """Sum of the counts that are known; None where none is."""
    known = [number for number in counts if number is not None]
    return sum(known) if known else None
