"""Chunks of a stream that differ from an earlier one in known places alone, read without a JSON parser.

Most of a stream is the same bytes again and again around one piece of text, and beside it
some that come new with each chunk: padding, a sequence number, a time, counts so far.
Parsing that is nine tenths of the cost of a long answer. So of a chunk that was parsed the
bytes around those places are learnt, and the next chunk that has them all is its text.

Why that is exact: outside the places a chunk is the learnt one, byte for byte, and a place
holds one JSON value of the kind that stood there. A key stands between quotes that are not
escaped and before a colon, which inside a string cannot be, so places are found without
parsing. Whoever teaches vouches for the rest: that such a chunk does nothing but append its
text to a list, or nothing else that would be news when done again. Where of a run of chunks
the last one's counts are news, that one is left to be parsed.

A run is read column by column, a place a column: that costs a few calls for the run, where
reading chunk by chunk would cost them for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import takewhile

import orjson

_LESSONS = 24
"""Streams whose chunks differ in more are not learnt for ever; a run of so many chunks is worth new lessons."""

_FIRST_RUN, _LONGEST_RUN = 8, 512
"""Chunks that are read at once: twice as many each time that all were of a known kind; more would not stay in cache."""

_KEPT = 4
"""So many kinds of chunk may alternate: choices, or reasoning and text."""

_MAX_CHUNK_BYTES = 8 << 10
"""Longer chunks are not learnt: text is a small part of them."""

_CHARACTERS = rb'[^"\\\x00-\x1f]*+(?:\\.[^"\\\x00-\x1f]*+)*+'
_STRING = rb'"' + _CHARACTERS + rb'"'
_NUMBER = rb"-?[0-9][0-9.eE+-]*+"


def _nested(levels: int) -> bytes:
    """Pattern of an array or object that is nested at most so deep."""
    inner = rb'[^"\[\]{}\x00]++|' + _STRING + (rb"|" + _nested(levels - 1) if levels > 1 else b"")
    return rb"[\[{](?:" + inner + rb")*+[\]}]"


_NESTED = _nested(6)
_VALUE = rb"(" + _STRING + rb"|" + _NUMBER + rb"|" + _NESTED + rb")"
_BETWEEN = b"\0"
"""Parts the values of a column. None of them can hold it."""


_CONTROLS = bytes(range(1, 32))


@cache
def _pattern(value: bytes) -> re.Pattern[bytes]:
    return re.compile(value, re.DOTALL)


@cache
def _column(value: bytes) -> re.Pattern[bytes]:
    return re.compile(value + rb"(?:\x00" + value + rb")*+", re.DOTALL)


def _known(value: bytes, column: Sequence[bytes], joined: bytes) -> int:
    """How many of a column, from its first on, are of the kind ``value``. ``joined`` is the column in one."""
    plain = (
        value is _STRING
        and b"\\" not in joined
        and joined.count(b'"\0"') == len(column) - 1
        and joined.count(b'"') == 2 * len(column)
        and joined[:1] == joined[-1:] == b'"'
        and len(joined.translate(None, _CONTROLS)) == len(joined)
    )
    if plain or (joined.count(_BETWEEN) == len(column) - 1 and _column(value).fullmatch(joined)):
        return len(column)
    return sum(1 for _ in takewhile(_pattern(value).fullmatch, column))


class Places:
    """Where the chunks of a format differ, by key.

    ``texts``: the visible text stands there. ``passing``: what stands there is no news.
    ``counts``: numbers, or an object of them, of which only the last is news.
    """

    __slots__ = ("counts", "finder", "texts")

    def __init__(self, *, texts: Iterable[str], passing: Iterable[str] = (), counts: Iterable[str] = ()) -> None:
        self.texts = frozenset(key.encode() for key in texts)
        self.counts = frozenset(key.encode() for key in counts)
        keys = b"|".join(re.escape(key) for key in (*self.texts, *self.counts, *(key.encode() for key in passing)))
        self.finder = re.compile(rb'"(' + keys + rb')"\s*:\s*' + _VALUE, re.DOTALL)


class _Template:
    """One kind of chunk: what stands before the first place, between the places, and after the last.

    ``values`` are the patterns of the places' values, ``text_at`` is the place of the text. A kind
    without one appends empty texts to a list of its own.
    """

    __slots__ = ("after", "before", "between", "counts", "pieces", "text_at", "values")

    def __init__(self, chunk: bytes, spans: list[tuple[int, int]], values: list[bytes]) -> None:
        ends = [0, *(end for _, end in spans)]
        starts = [*(start for start, _ in spans), len(chunk)]
        self.before, *self.between, self.after = (chunk[a:b] for a, b in zip(ends, starts, strict=True))
        self.values = values
        self.text_at: int | None = None
        self.counts = False
        self.pieces: list[str] = []

    def may_be(self, chunk: bytes) -> bool:
        """Whether the chunk begins and ends as this kind does."""
        return chunk.startswith(self.before) and chunk.endswith(self.after)

    def fits(self, chunk: bytes) -> bool:
        """Whether the chunk is of this kind."""
        return self.may_be(chunk) and self.read([chunk])[0] == 1

    def forget_last(self) -> None:
        """The last chunk that was taken will be parsed."""
        del self.pieces[-1]

    def read(self, chunks: list[bytes]) -> tuple[int, list[str]]:
        """(how many of the chunks, which begin and end as this kind does, are of it; their texts)."""
        start, end = len(self.before), -len(self.after)
        rest: Sequence[bytes] = [chunk[start:end] for chunk in chunks]
        known, texts = len(chunks), [""] * len(chunks)
        for at, value in enumerate(self.values):
            column = rest
            if at < len(self.between):
                column, literals, rest = zip(*[part.partition(self.between[at]) for part in rest], strict=True)
                if b"" in literals:
                    known = min(known, literals.index(b""))
            joined = _BETWEEN.join(column)
            known = min(known, _known(value, column, joined))
            if at == self.text_at:
                texts = _texts(column, escaped=b"\\" in joined)
                known = min(known, len(texts))
        return known, texts


def _texts(column: Iterable[bytes], *, escaped: bool) -> list[str]:
    """The texts of quoted strings, up to the first whose escapes make none."""
    if not escaped:
        return [quoted[1:-1].decode("utf-8", "replace") for quoted in column]
    texts = []
    for quoted in column:
        text = _string(quoted) if b"\\" in quoted else quoted[1:-1].decode("utf-8", "replace")
        if text is None:
            break
        texts.append(text)
    return texts


def _string(quoted: bytes) -> str | None:
    try:
        return str(orjson.loads(quoted))
    except orjson.JSONDecodeError:
        return None


class ChunkTemplate:
    """One stream.

    >>> pieces = ["Hi"]
    >>> template = ChunkTemplate(Places(texts=["text"], passing=["pad"]))
    >>> template.learn(b'{"i":0,"text":"Hi","pad":"x"}', pieces)
    >>> chunks = [b'{"i":0,"text":" you","pad":""}', b'{"i":0,"text":"!","pad":"."}', b'{"i":1,"text":"."}']
    >>> template.take(chunks, 0), pieces
    (2, ['Hi', ' you', '!'])
    """

    __slots__ = ("_lessons", "_places", "_templates")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._lessons = _LESSONS
        self._templates: list[_Template] = []

    def take(self, chunks: list[bytes], start: int) -> int:
        """Appends the texts of the chunks from ``start`` on, as long as they are of a kind that is known.

        Returns the index of the first chunk that has to be parsed.
        """
        if not self._templates:
            return start
        at, run = start, _FIRST_RUN
        counting: _Template | None = None
        while at < len(chunks):
            end = min(at + run, len(chunks))
            taken, last = self._take(chunks, at, end, counting)
            if taken > at:
                counting = last if last and last.counts else None
            if taken - at >= _LESSONS:
                self._lessons = _LESSONS
            at = taken
            if taken < end:
                break
            run = min(2 * run, _LONGEST_RUN)
        if counting:
            at -= 1
            counting.forget_last()
        return at

    def _take(self, chunks: list[bytes], start: int, end: int, only: _Template | None) -> tuple[int, _Template | None]:
        """(index of the first chunk that was not taken, kind of the last one that was)."""
        found, end = self._sorted(chunks, start, end, only)
        read, stop = [], end
        for template, own in found:
            known, texts = template.read(own)
            read.append((template, texts))
            if known < len(own):
                stop = min(stop, chunks.index(own[known], start))
        if stop < end:
            return self._take(chunks, start, stop, only)
        for template, texts in read:
            template.pieces += texts
        return end, read[-1][0] if read else None

    def _sorted(
        self, chunks: list[bytes], start: int, end: int, only: _Template | None
    ) -> tuple[list[tuple[_Template, list[bytes]]], int]:
        """(kinds, each with the chunks that begin and end like it, index of the first chunk that is like none).

        A kind whose last counts are news stands alone; behind one that does, ``only`` it goes on.
        """
        if start == end:
            return [], end
        kinds = [only] if only else self._templates
        if kinds[0].may_be(chunks[start]) and kinds[0].may_be(chunks[end - 1]):
            before, after = kinds[0].before, kinds[0].after
            own = [chunk for chunk in chunks[start:end] if chunk.startswith(before) and chunk.endswith(after)]
            if len(own) == end - start:
                return [(kinds[0], own)], end
        found: dict[_Template, list[bytes]] = {}
        alone = False
        for at in range(start, end):
            chunk = chunks[at]
            for kind in kinds:
                if kind.may_be(chunk):
                    break
            else:
                end = at
                break
            if found and kind not in found and (alone or kind.counts):
                end = at
                break
            alone = kind.counts
            found.setdefault(kind, []).append(chunk)
        return list(found.items()), end

    def learn(self, chunk: bytes, pieces: list[str]) -> None:
        """``chunk`` was parsed and appended its text to ``pieces``; it had none where that is empty."""
        if self._lessons == 0 or len(chunk) > _MAX_CHUNK_BYTES or any(each.fits(chunk) for each in self._templates):
            return
        self._lessons -= 1
        said = pieces[-1] if pieces else None
        spans: list[tuple[int, int]] = []
        values: list[bytes] = []
        texts_at: list[int] = []
        counts = False
        for found in self._places.finder.finditer(chunk):
            key, value = found[1], found[2]
            if key not in self._places.texts:
                counts = counts or key in self._places.counts
            elif value.startswith(b'"') and _string(value) == said:
                texts_at.append(len(spans))
            else:
                continue
            spans.append(found.span(2))
            values.append(_STRING if value.startswith(b'"') else _NESTED if value[:1] in b"[{" else _NUMBER)
        if not spans or len(texts_at) != (said is not None):
            return
        template = _Template(chunk, spans, values)
        template.text_at = texts_at[0] if texts_at else None
        template.counts, template.pieces = counts, pieces if texts_at else []
        # Of kinds whose texts go to the same list, one: the order within a run is each kind's own.
        others = [each for each in self._templates if not texts_at or each.pieces is not pieces]
        self._templates = [template, *others[: _KEPT - 1]]
