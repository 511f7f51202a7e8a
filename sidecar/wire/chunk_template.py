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
"""

from __future__ import annotations

from sidecar.wire.chunk_kind import ChunkKind, Places

_BUDGET, _CHUNKS_A_COST = 96, 128
"""What may be spent on lessons, in tenths of a millisecond, and chunks taken for which there is one more."""

_VAIN_COST = 1 / 16
"""Of looking at a chunk that has to be parsed all the same."""

_FIRST_RUN, _LONGEST_RUN = 8, 512
"""Chunks that are read at once: twice as many each time that all were of a known kind; more would not stay in cache."""

_KEPT = 4
"""So many kinds of chunk may alternate: choices, or reasoning and text."""

_MAX_CHUNK_BYTES = 8 << 10
"""Longer chunks are not learnt: text is a small part of them."""

_Run = list[tuple[ChunkKind, list[bytes], list[bytes]]]
"""Kinds, each with its chunks and their middles."""


class ChunkTemplate:
    """One stream.

    >>> pieces = ["Hi"]
    >>> template = ChunkTemplate(Places(texts=["text"], passing=["pad"]))
    >>> template.learn(b'{"i":0,"text":"Hi","pad":"x"}', pieces)
    >>> chunks = [b'{"i":0,"text":" you","pad":""}', b'{"i":0,"text":"!","pad":"."}', b'{"i":1,"text":"."}']
    >>> template.take(chunks, 0), pieces
    (2, ['Hi', ' you', '!'])
    """

    __slots__ = ("_budget", "_kinds", "_places", "_run", "waits")

    def __init__(self, places: Places) -> None:
        self._places = places
        self._budget = float(_BUDGET)
        self._kinds: list[ChunkKind] = []
        self._run = _FIRST_RUN
        self.waits = False

    def take(self, chunks: list[bytes], start: int) -> int:
        """Appends the texts of the chunks from ``start`` on, as long as they are of a kind that is known.

        Returns the index of the first chunk that has to be parsed. It ``waits`` where that is the last of
        ``chunks``, whose counts are no news if more of its kind follow.
        """
        self.waits = False
        if not self._kinds:
            return start
        at = start
        counting: ChunkKind | None = None
        while at < len(chunks):
            end = min(at + self._run, len(chunks))
            taken, last = self._take(chunks, at, end, counting)
            if taken > at:
                counting = last if last and last.counts else None
            at = taken
            if taken < end:
                self._run = _FIRST_RUN if at > start else 1
                break
            self._run = min(2 * self._run, _LONGEST_RUN)
        if at == start < len(chunks):
            self._try_in_vain()
        self._budget += (at - start) / _CHUNKS_A_COST
        if counting:
            self.waits = at == len(chunks)
            at -= 1
            del counting.pieces[-1]
        return at

    def _try_in_vain(self) -> None:
        self._budget -= _VAIN_COST
        if self._budget <= 0:
            self._kinds = []

    def _take(self, chunks: list[bytes], start: int, end: int, only: ChunkKind | None) -> tuple[int, ChunkKind | None]:
        """(index of the first chunk that was not taken, kind of the last one that was)."""
        found, end = self._sorted(chunks, start, end, only)
        read, stop = [], end
        for kind, own, middles in found:
            known, texts = kind.read(middles)
            read.append((kind, texts))
            if known < len(own):
                stop = min(stop, chunks.index(own[known], start))
        if stop < end:
            return self._take(chunks, start, stop, only)
        for kind, texts in read:
            kind.pieces += texts
        return end, read[-1][0] if read else None

    def _sorted(self, chunks: list[bytes], start: int, end: int, only: ChunkKind | None) -> tuple[_Run, int]:
        """(kinds, each with the chunks that begin and end like it, index of the first chunk that is like none).

        A kind whose last counts are news stands alone; behind one that does, ``only`` it goes on.
        """
        if start == end:
            return [], end
        kinds = [only] if only else self._kinds
        if kinds[0].may_be(chunks[start]) and kinds[0].may_be(chunks[end - 1]):
            own = chunks[start:end]
            middles = kinds[0].middles(own)
            if middles is not None:
                return [(kinds[0], own, middles)], end
        found: dict[ChunkKind, list[bytes]] = {}
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
        return [(kind, own, kind.middles(own) or []) for kind, own in found.items()], end

    def learn(self, chunk: bytes, pieces: list[str]) -> None:
        """``chunk`` was parsed and appended its text to ``pieces``; it had none where that is empty."""
        if self._budget < 1 or len(chunk) > _MAX_CHUNK_BYTES or any(each.fits(chunk) for each in self._kinds):
            return
        # One that begins and ends like a known kind and is none has arrays or objects of another form.
        coarse = any(each.may_be(chunk) for each in self._kinds)
        kind = self._places.kind(chunk, pieces[-1] if pieces else None, coarse=coarse)
        if kind is None:
            self._budget -= 1
            return
        self._budget -= kind.cost
        kind.pieces = pieces or kind.pieces
        # Of kinds whose texts go to the same list, one: the order within a run is each kind's own.
        others = [each for each in self._kinds if each.pieces is not kind.pieces]
        self._kinds = [kind, *others[: _KEPT - 1]]
