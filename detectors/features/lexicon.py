# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""A language's phrases by role, and the small notation they are written in.

The notation has four signs, so that a lexicon can be read and corrected by someone who
knows the language and no regular expressions, and so that no phrase can be slow:

    (a|b)   one of these;  (a|) is optional
    …       up to 30 characters of the same sentence
    ~       any ending of the word
    _       one whole word

Everything else stands for itself, in lower case. A phrase begins and ends at a word's edge
in languages that put spaces between words. There is no sign for "as often as you like":
every gap is bounded, so matching is linear in the text.

Phrases and texts are folded alike (``detectors.features.folding``), so ``não`` finds ``nao``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal, get_args

from detectors.features.folding import fold

Role = Literal[
    "idiom",
    "cannot",
    "apology",
    "sympathy",
    "normative",
    "rebuttal",
    "redirect",
    "policy",
    "product_limit",
    "hedge",
    "affirmative",
]
ROLES: tuple[Role, ...] = get_args(Role)
SPOKEN_ROLES: tuple[Role, ...] = tuple(role for role in ROLES if role != "idiom")
GATE_ROLES: tuple[Role, ...] = ("cannot", "apology", "normative", "rebuttal", "policy")
"""Where none of these is found, the text does not read as a refusal."""

_SIGNS = {"…": r"[^.!?。！？।\n]{0,30}?", "~": r"\w{0,20}", "_": r"\w{1,30}", "(": "(?:", ")": ")", "|": "|"}


@dataclass(frozen=True)
class Lexicon:
    """``idiom``: looks like another role and is none ("can't wait to"), cut before the rest.
    ``cannot``: the speaker cannot or will not help. ``apology``: sorry for not helping.
    ``sympathy``: sorry for the person. ``normative``: illegal, unethical, inappropriate.
    ``rebuttal``: the question's premise is denied. ``redirect``: offers something else.
    ``policy``: names its rules or that it is an AI. ``product_limit``: a thing the product
    lacks, not a choice. ``hedge``: advice to ask a professional, caveats.
    ``affirmative``: opens by doing what was asked. ``spaced``: words are set apart.
    """

    tag: str
    cannot: tuple[str, ...]
    apology: tuple[str, ...] = ()
    normative: tuple[str, ...] = ()
    policy: tuple[str, ...] = ()
    rebuttal: tuple[str, ...] = ()
    redirect: tuple[str, ...] = ()
    product_limit: tuple[str, ...] = ()
    affirmative: tuple[str, ...] = ()
    sympathy: tuple[str, ...] = ()
    hedge: tuple[str, ...] = ()
    idiom: tuple[str, ...] = ()
    spaced: bool = True
    _patterns: dict[Role, re.Pattern[str] | None] = field(default_factory=dict, repr=False, compare=False)

    def pattern(self, role: Role) -> re.Pattern[str] | None:
        """The role's phrases as one pattern, compiled at first use; None without phrases."""
        if role not in self._patterns:
            self._patterns[role] = _compile(getattr(self, role), spaced=self.spaced)
        return self._patterns[role]

    @cached_property
    def gate(self) -> re.Pattern[str]:
        """Any phrase that can make a text read as a refusal."""
        pattern = _compile([phrase for role in GATE_ROLES for phrase in getattr(self, role)], spaced=self.spaced)
        if pattern is None:
            raise ValueError(f"lexicon {self.tag!r} needs at least one phrase for 'cannot'")
        return pattern


def _compile(phrases: Iterable[str], *, spaced: bool) -> re.Pattern[str] | None:
    sources = [_source(phrase) for phrase in phrases]
    if not sources:
        return None
    body = "|".join(sources)
    return re.compile(rf"\b(?:{body})\b" if spaced else body)


@lru_cache(maxsize=4096)
def _source(phrase: str) -> str:
    return "".join(_SIGNS.get(sign) or re.escape(sign) for sign in fold(phrase))
