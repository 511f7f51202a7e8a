"""Where a stream's chunks differ, and one kind of chunk: what is the same in all of it.

A kind is learnt from one chunk that was parsed. What stands before its first place and after
its last must be there byte for byte; of what is between, one regular expression says what it
may be. A run of chunks is read in a few calls for all: their middles are joined, and the
expression finds as many chunks as there are, or the run is not all of this kind. What between
places is peculiar to one stream, such as a message's id, is first replaced by a control byte,
which no JSON holds: so nothing is lost, and streams have their expressions in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import takewhile

import orjson

_CHARACTERS = rb'[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+'
_STRING = rb'"' + _CHARACTERS + rb'"'
_TEXT = rb"(" + _STRING + rb")"
_NUMBER = rb"-?[0-9][0-9.eE+-]*+"
_FLAT = rb'\[[^"{}\x00-\x08\x0b\x0c\x0e-\x1f]*\]'
"""An array without strings and objects. Behind the value of a member comes a brace or a key, so it ends before those."""


def _nested(levels: int) -> bytes:
    """Pattern of an array or object that is nested at most so deep."""
    inner = rb'[^"\[\]{}\x00-\x08\x0b\x0c\x0e-\x1f]++|' + _STRING + (rb"|" + _nested(levels - 1) if levels > 1 else b"")
    return rb"[\[{](?:" + inner + rb")*+[\]}]"


_NESTED = _nested(6)
_LEAF = re.compile(_STRING + rb"(?=\s*+:)|(" + _STRING + rb"|" + _FLAT + rb"|" + _NUMBER + rb")", re.DOTALL)
"""A key, or a value that holds no other but numbers."""

_MAX_LEAVES = 32
"""Of a value with more, the leaves are no places of their own."""

_ID = re.compile(rb"((?=[\w-]{16})[A-Za-z_-]*+[0-9][\w-]*+)")
"""What may be another in each stream: an expression that holds it would be compiled for each."""

_BYTES_A_COST = 64
"""Of an expression, which take 0.1 ms to compile."""

_END = b"\0"
_MARKS = [bytes([code]) for code in (*range(1, 9), *range(14, 32))]


@dataclass(frozen=True, slots=True)
class Place:
    """Bytes ``start`` to ``end`` of a chunk, and the pattern of what may stand there."""

    start: int
    end: int
    pattern: bytes


class Places:
    """Where the chunks of a format differ, by key.

    ``texts``: the visible text stands there. ``passing``: what stands there is no news.
    ``counts``: numbers, or an object of them, of which only the last is news.
    """

    __slots__ = ("_counts", "_finder", "_texts")

    def __init__(self, *, texts: Iterable[str], passing: Iterable[str] = (), counts: Iterable[str] = ()) -> None:
        self._texts = frozenset(key.encode() for key in texts)
        self._counts = frozenset(key.encode() for key in counts)
        keys = b"|".join(re.escape(key) for key in (*self._texts, *self._counts, *(key.encode() for key in passing)))
        value = b"|".join((_STRING, _NUMBER, _NESTED))
        self._finder = re.compile(rb'"(' + keys + rb')"\s*:\s*(' + value + rb")", re.DOTALL)

    def kind(self, chunk: bytes, said: str | None, *, coarse: bool) -> ChunkKind | None:
        """The kind of ``chunk``, whose text is ``said``; None where its places cannot be told.

        The places within an array or object are its leaves, or, ``coarse``, it is one place itself.
        """
        places: list[Place] = []
        text_at: list[int] = []
        counts = False
        for found in self._finder.finditer(chunk):
            key, value = found[1], found[2]
            start, end = found.span(2)
            if key in self._texts:
                if value.startswith(b'"') and string(value) == said:
                    text_at.append(len(places))
                    places.append(Place(start, end, _TEXT))
                continue
            counts = counts or key in self._counts
            places += _within(value, start, coarse=coarse)
        if not places or len(text_at) != (said is not None):
            return None
        return ChunkKind(chunk, places, has_text=said is not None, counts=counts)


def _within(value: bytes, start: int, *, coarse: bool) -> Iterator[Place]:
    """Places of a value that begins at ``start``."""
    leaves = [found.span(1) for found in _LEAF.finditer(value) if found[1] is not None]
    if coarse or len(leaves) > _MAX_LEAVES:
        leaves = [(0, len(value))]
    for a, b in leaves:
        leaf = value[a:b]
        pattern = _STRING if leaf.startswith(b'"') else _leaf_pattern(leaf)
        yield Place(start + a, start + b, pattern)


def _leaf_pattern(leaf: bytes) -> bytes:
    if leaf[:1] not in b"[{":
        return _NUMBER
    return _FLAT if b'"' not in leaf and b"{" not in leaf else _NESTED


class ChunkKind:
    """One kind of chunk. A kind without a text appends empty ones to a list of its own.
    One with nothing but a text needs no expression: JSON itself tells strings.

    ``cost`` is what it may have cost to learn, in tenths of a millisecond.
    """

    __slots__ = ("_after", "_before", "_expression", "_has_text", "_marks", "cost", "counts", "pieces")

    def __init__(self, chunk: bytes, places: list[Place], *, has_text: bool, counts: bool) -> None:
        starts = [*(place.start for place in places), len(chunk)]
        ends = [0, *(place.end for place in places)]
        self._before, *between, self._after = (chunk[a:b] for a, b in zip(ends, starts, strict=True))
        self._marks = dict(zip({*_ID.findall(b" ".join(between))}, _MARKS, strict=False))
        behind = [b"".join(map(self._pattern, _ID.split(each))) for each in between]
        middle = b"".join(place.pattern + each for place, each in zip(places, [*behind, b""], strict=True))
        is_text = has_text and len(places) == 1
        self._expression = None if is_text else re.compile(_END + middle + b"(?=" + _END + b")", re.DOTALL)
        self.cost = 1 if is_text else 1 + len(middle) // _BYTES_A_COST
        self._has_text = has_text
        self.counts = counts
        self.pieces: list[str] = []

    def _pattern(self, literal: bytes) -> bytes:
        return self._marks.get(literal) or re.escape(literal)

    def may_be(self, chunk: bytes) -> bool:
        """Whether the chunk begins and ends as this kind does."""
        return chunk.startswith(self._before) and chunk.endswith(self._after)

    def fits(self, chunk: bytes) -> bool:
        """Whether the chunk is of this kind."""
        middles = self.middles([chunk])
        return middles is not None and self.read(middles)[0] == 1

    def middles(self, chunks: list[bytes]) -> list[bytes] | None:
        """What is between the beginnings and ends; None unless all chunks begin and end as this kind does."""
        start, end = len(self._before), -len(self._after)
        middles = [chunk[start:end] for chunk in chunks]
        # Put together again they are the chunks, or some chunk began or ended otherwise.
        again = self._before + (self._after + _END + self._before).join(middles) + self._after
        return middles if again == _END.join(chunks) else None

    def read(self, middles: list[bytes]) -> tuple[int, list[str]]:
        """(how many of the chunks, from the first on, are of this kind; their texts)."""
        if self._expression is None:
            texts = _texts(middles)
            return len(texts), texts
        joined = _END + _END.join(middles) + _END
        if joined.count(_END) > len(middles) + 1 or any(mark in joined for mark in self._marks.values()):
            return 0, []  # no JSON: which of them is none, the parser will say
        for name, mark in self._marks.items():
            joined = joined.replace(name, mark)
        found = self._expression.findall(joined)
        if len(found) < len(middles):
            each = map(self._expression.findall, (_END + middle + _END for middle in joined.split(_END)[1:-1]))
            found = [match for (match,) in takewhile(bool, each)]
        texts = _texts(found) if self._has_text else [""] * len(found)
        return len(texts), texts


def _texts(quoted: list[bytes]) -> list[str]:
    """What JSON strings say, up to the first that is none."""
    try:
        # No string holds a line's end and nothing is between two commas, so there is one value for each.
        texts = orjson.loads(b"[" + b",\n".join(quoted) + b"]")
    except orjson.JSONDecodeError:
        texts = []
    if len(texts) == len(quoted) and {*map(type, texts)} <= {str}:
        return list(texts)
    return [text for text in takewhile(lambda text: text is not None, map(string, quoted)) if text is not None]


def string(quoted: bytes) -> str | None:
    """The text of a JSON string; None where it is none."""
    try:
        text = orjson.loads(quoted)
    except orjson.JSONDecodeError:
        return None
    return text if isinstance(text, str) else None
