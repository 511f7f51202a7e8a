# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""Phrases of several roles, found in one pass over a text.

The notation has four signs, so that a lexicon can be read and corrected by someone who
knows the language and no regular expressions, and so that no phrase can be slow:

    (a|b)   one of these;  (a|) is optional
    …       up to 30 characters of the same sentence
    ~       any ending of the word
    _       one whole word

Everything else stands for itself, in lower case. A phrase begins and ends at a word's edge
in languages that put spaces between words. There is no sign for "as often as you like":
every gap is bounded, so matching is linear in the text.

How it is quick: an alternation of some hundred phrases would be tried branch by branch at
every character, once for each role. Here up to six characters that a phrase begins with are
its key; one search steps from key to key, and only what begins with that key is tried there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

from detectors.features.folding import fold

R = TypeVar("R", bound=str)
_SIGNS = {"…": r"[^.!?。！？।\n]{0,30}?", "~": r"\w{0,20}", "_": r"\w{1,30}", "(": "(?:", ")": ")", "|": "|"}
_KEY = 6
_NOTHING: re.Pattern[str] = re.compile(r"(?!)")


class _Entry(Generic[R]):
    """The phrases behind one key: all as one pattern, and each role's where they have several."""

    def __init__(self, openings: Mapping[R, Iterable[str]], edge: str) -> None:
        sources = {role: f"(?:{'|'.join(map(_source, phrases))}){edge}" for role, phrases in openings.items()}
        self.begins = re.compile("|".join(sources.values())).match
        self.role = next(iter(sources)) if len(sources) == 1 else None
        self.roles = () if self.role else tuple((role, re.compile(source).match) for role, source in sources.items())


class Phrasebook(Generic[R]):
    """``phrases``: role → phrases, unfolded. ``spaced``: words are set apart.

    ``ValueError`` where a bracket is not closed or a phrase begins with a sign.
    """

    def __init__(self, phrases: Mapping[R, Iterable[str]], *, spaced: bool) -> None:
        self._edge = r"\b" if spaced else ""
        self._keyed: dict[str, dict[R, list[str]]] = {}
        for role, listed in phrases.items():
            for opening in {opening for phrase in listed for opening in _openings(fold(phrase), spaced=spaced)}:
                self._keyed.setdefault(_key(opening), {}).setdefault(role, []).append(opening)
        edge = r"(?<!\w)" if spaced else ""
        self._find_key = re.compile(f"{edge}(?:{_tree(self._keyed)})") if self._keyed else _NOTHING
        self._entries: dict[str, _Entry[R]] = {}

    def find(self, text: str) -> Iterator[tuple[int, R]]:
        """Where a phrase begins, and its role, in order; a place may have several roles."""
        entries = self._entries
        for found in self._find_key.finditer(text):
            start = found.start()
            key = text[start : start + _KEY]
            entry = entries.get(key) or self._entry(key)
            if entry.begins(text, start):
                if entry.role is not None:
                    yield start, entry.role
                for role, match in entry.roles:
                    if match(text, start):
                        yield start, role

    def _entry(self, key: str) -> _Entry[R]:
        """Of the longest known beginning of ``key``; compiled when first met, for most never are."""
        while key not in self._keyed:
            key = key[:-1]
        if key not in self._entries:
            openings: dict[R, list[str]] = {}
            for size in range(1, len(key) + 1):
                for role, phrases in self._keyed.get(key[:size], {}).items():
                    openings.setdefault(role, []).extend(phrases)
            self._entries[key] = _Entry(openings, self._edge)
        return self._entries[key]


def phrase_pattern(phrases: Iterable[str], *, spaced: bool) -> re.Pattern[str]:
    """A plain pattern for ``phrases``, to cut them out of a text; it matches nothing where there are none."""
    sources = [_source(fold(phrase)) for phrase in phrases]
    edge = r"\b" if spaced else ""
    return re.compile(f"{edge}(?:{'|'.join(sources)}){edge}") if sources else _NOTHING


def _key(opening: str) -> str:
    plain = next((i for i, sign in enumerate(opening[:_KEY]) if sign in _SIGNS), _KEY)
    return opening[:plain]


def _tree(keys: Iterable[str]) -> str:
    """The source of a pattern that takes one character and sees that one of ``keys`` begins there."""
    rests: dict[str, set[str]] = {}
    for key in sorted(keys):
        rests.setdefault(key[0], set()).add(key[1:])
    return "|".join(re.escape(first) + ("" if "" in rest else f"(?={_tree(rest)})") for first, rest in rests.items())


def _openings(phrase: str, *, spaced: bool, begun: str = "") -> Iterator[str]:
    """The phrase with the groups that it begins with spelt out, until its key is plain text.

    A word or a space before the rest is another place to begin, not another meaning, so it goes.
    """
    if spaced and not begun:
        phrase = phrase.removeprefix("_ ").lstrip()
    if len(begun) == _KEY or not phrase or phrase[0] in "…~_":
        if not begun:
            raise ValueError("a phrase begins with a plain character")
        yield begun + phrase
    elif phrase[0] == "(":
        end = _closing(phrase)
        for alternative in _alternatives(phrase[1:end]):
            yield from _openings(alternative + phrase[end + 1 :], spaced=spaced, begun=begun)
    else:
        yield from _openings(phrase[1:], spaced=spaced, begun=begun + phrase[0])


def _closing(phrase: str) -> int:
    depth = 0
    for position, sign in enumerate(phrase):
        depth += (sign == "(") - (sign == ")")
        if depth == 0:
            return position
    raise ValueError("a phrase opens a bracket that it does not close")


def _alternatives(inside: str) -> Iterator[str]:
    depth = start = 0
    for position, sign in enumerate(inside):
        depth += (sign == "(") - (sign == ")")
        if sign == "|" and depth == 0:
            yield inside[start:position]
            start = position + 1
    yield inside[start:]


@lru_cache(maxsize=4096)
def _source(phrase: str) -> str:
    return "".join(_SIGNS.get(sign) or re.escape(sign) for sign in phrase)
