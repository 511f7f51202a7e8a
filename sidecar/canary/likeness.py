"""Do two prompts read alike? Jaccard similarity of their word 5-grams."""

from __future__ import annotations

import re

ALIKE = 0.8
"""Above this a prompt counts as one that was asked before."""

# Not \w+: marks that scripts such as Bengali write vowels with are no letters to it, and would cut words to pieces.
_WORD = re.compile(r"[^\s!-/:-@\[-^`{-~\u00a1\u00ab\u00bb\u00bf\u0964\u0965\u2010-\u2027]+")
_N = 5


def grams(text: str) -> frozenset[tuple[str, ...]]:
    """The runs of five words, folded; the whole text where it has fewer.

    >>> sorted(grams("One two three"))
    [('one', 'two', 'three')]
    """
    words = _WORD.findall(text.casefold())
    return frozenset(tuple(words[at : at + _N]) for at in range(max(len(words) - _N + 1, 1)))


def likeness(one: frozenset[tuple[str, ...]], other: frozenset[tuple[str, ...]]) -> float:
    """In [0, 1]; 1 for equal texts."""
    return len(one & other) / len(one | other)
