"""Patterns of suite files, run on RE2: linear in the text, whatever the pattern.

Back-references and look-around do not exist there, and are refused with RE2's own words.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2

_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 8 << 20

MAX_PATTERN = 2000


class PatternError(ValueError):
    """The pattern cannot be used."""


@lru_cache(maxsize=512)
def compiled(pattern: str) -> Any:
    """The compiled pattern. PatternError says why there is none."""
    if len(pattern) > MAX_PATTERN:
        raise PatternError(f"need a pattern of at most {MAX_PATTERN} characters, got {len(pattern)}")
    try:
        return re2.compile(pattern, _OPTIONS)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PatternError(f"not a pattern that RE2 knows: {text}") from None


def found(pattern: str, text: str) -> bool:
    """Whether ``pattern`` occurs in ``text``.

    >>> found("(?i)ord-[0-9]+", "Your ORD-77 is on its way")
    True
    """
    return compiled(pattern).search(text.encode("utf-8", "replace").decode()) is not None
