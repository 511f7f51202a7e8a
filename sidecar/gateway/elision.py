r"""Leaves base64 out of a copied request body, chunk by chunk.

Pictures, sound and documents travel as base64 inside JSON strings, and would push the words
of a long conversation out of the copy. Of each run of base64 characters the first 1,024
stay, the rest goes: the JSON stays JSON, and the result does not depend on where the network
cut the body. Text is never touched: words are shorter, and other scripts are not base64
characters, nor are their escapes (``\u4f60``).

Text has a space every few bytes, and where any two are close no run can be too long: that is
looked at first. Otherwise, linear: the classes of all bytes are looked up at once, then the
mask is read in jumps of up to 1,025, each to just past the last character that breaks the run.
"""

from __future__ import annotations

import string

KEPT_BYTES = 1024

_CHARACTERS = (string.ascii_letters + string.digits + "+/-_=").encode()
_CLASSES = bytes(1 if byte in _CHARACTERS else 0 for byte in range(256))


def spaced(data: bytes) -> bool:
    """Whether spaces leave no room for a run that is too long: then nothing is left out of ``data``.

    >>> spaced(b"a word " * 1000), spaced(b"A" * 1024), spaced(b"A" * 1025)
    (True, True, False)
    """
    at, last = 0, len(data) - KEPT_BYTES
    while at < last:
        space = data.rfind(b" ", at, at + KEPT_BYTES + 1)
        if space < 0:
            return False
        at = space + 1
    return True


class Base64Elision:
    """State over the chunks of one body."""

    __slots__ = ("_run",)

    def __init__(self) -> None:
        self._run = 0  # base64 characters at the end of what was fed, at most KEPT_BYTES

    def feed(self, data: bytes) -> bytes:
        """``data`` without what is too much of a run; ``data`` itself where nothing is.

        >>> elision = Base64Elision()
        >>> len(elision.feed(b'{"image": "' + b"A" * 5000)), elision.feed(b'AAAA"}')
        (1035, b'"}')
        """
        before = self._run
        if spaced(data) and (not before or data.find(b" ", 0, KEPT_BYTES + 1 - before) >= 0):
            rest = data.rstrip(_CHARACTERS)
            self._run = len(data) - len(rest) if rest else before + len(data)
            return data
        mask = b"\x01" * before + data.translate(_CLASSES)
        kept: list[bytes] = []
        copied_to = start = 0  # in data, in mask
        while start + KEPT_BYTES < len(mask):
            gap = mask.rfind(b"\x00", start, start + KEPT_BYTES + 1)
            if gap >= 0:
                start = gap + 1
                continue
            kept.append(data[copied_to : start + KEPT_BYTES - before])
            end = mask.find(b"\x00", start + KEPT_BYTES)
            start = len(mask) if end < 0 else end
            copied_to = start - before
        self._run = min(KEPT_BYTES, len(mask) - 1 - mask.rfind(b"\x00"))
        if not kept:
            return data
        kept.append(data[copied_to:])
        return b"".join(kept)
