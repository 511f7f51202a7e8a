"""Chunks of a stream that differ from an earlier one in their text alone, read without a JSON parser.

Most of a stream is the same bytes again and again around one piece of text. Parsing that is
nine tenths of the cost of a long answer, so the bytes before and after the text are learnt
from a chunk that was parsed, and the next chunk that has both is its text.

Why that is exact: a chunk is learnt only if it has no backslash, so that each of its strings
stands there as it is, and if the text's string occurs once, so that its place is known. A
text with a quote or a backslash of its own never matches and is parsed. Whoever teaches
vouches that such a chunk does nothing but append its text to a list, or nothing else that
would be news when done again.
"""

from __future__ import annotations

_LESSONS = 32
"""Streams whose chunks differ in more (padding, sequence numbers) are not learnt for ever."""


class ChunkTemplate:
    """One stream.

    >>> pieces = ["Hi"]
    >>> template = ChunkTemplate()
    >>> template.learn(b'{"i":0,"text":"Hi"}', pieces)
    >>> template.take([b'{"i":0,"text":" there"}', b'{"i":0,"text":"!"}', b'{"i":1,"text":"."}'], 0), pieces
    (2, ['Hi', ' there', '!'])
    """

    __slots__ = ("_after", "_before", "_lessons", "_pieces")

    def __init__(self) -> None:
        self._lessons = _LESSONS
        self._pieces: list[str] = []
        self._before = self._after = b""

    def take(self, events: list[bytes], start: int) -> int:
        """Appends the texts of the events from ``start`` on, as long as nothing else in them differs.

        Returns the index of the first event that has to be parsed.
        """
        before, after, before_bytes, after_bytes = self._before, self._after, len(self._before), len(self._after)
        if not after:
            return start
        append = self._pieces.append
        for at in range(start, len(events)):
            event = events[at]
            if not event.startswith(before) or not event.endswith(after):
                return at
            text = event[before_bytes:-after_bytes]
            if b'"' in text or b"\\" in text or len(event) < before_bytes + after_bytes:
                return at
            append(text.decode("utf-8", "replace"))
        return len(events)

    def learn(self, event: bytes, pieces: list[str]) -> None:
        """``event`` was parsed and appended its text to ``pieces``."""
        text = pieces[-1].encode()
        needle = b'"%b"' % text
        if self._lessons == 0 or not text or b"\\" in event or event.count(needle) != 1:
            return
        self._lessons -= 1
        at = event.index(needle) + 1
        self._before, self._after = event[:at], event[at + len(text) :]
        self._pieces = pieces
