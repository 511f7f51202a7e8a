"""A language's phrases by the role they play; ``detectors.features.phrases`` explains their notation.

Phrases and texts are folded alike (``detectors.features.folding``), so ``não`` finds ``nao``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from detectors.features.phrases import Phrasebook, phrase_pattern

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
    "counsel",
    "affirmative",
    "instead",
]
ROLES: tuple[Role, ...] = get_args(Role)
GATE_ROLES: frozenset[Role] = frozenset({"cannot", "apology", "normative", "rebuttal", "policy"})
"""Where none of these is found, the text does not read as a refusal."""


@dataclass(frozen=True)
class Lexicon:
    """``idiom``: looks like another role and is none ("can't wait to"), cut before the rest.
    ``cannot``: the speaker cannot or will not help. ``apology``: sorry for not helping.
    ``sympathy``: sorry for the person. ``normative``: illegal, unethical, inappropriate.
    ``rebuttal``: the question's premise is denied. ``redirect``: offers something else.
    ``policy``: names its rules or that it is an AI. ``product_limit``: a thing the product
    lacks, not a choice. ``hedge``: advice to ask a professional, caveats.
    ``counsel``: words of good advice (respect, safety, trusted friends, consequences), which explain a refusal
    and also occur in ordinary answers. ``affirmative``: opens by doing what was asked. ``instead``: turns to
    something else than what was asked. ``spaced``: words are set apart.
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
    counsel: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    idiom: tuple[str, ...] = ()
    spaced: bool = True

    def __post_init__(self) -> None:
        if not self.cannot:
            raise ValueError(f"lexicon {self.tag!r} needs at least one phrase for 'cannot'")

    @cached_property
    def phrasebook(self) -> Phrasebook[Role]:
        """Every phrase, idioms too, by role."""
        return Phrasebook({role: getattr(self, role) for role in ROLES}, spaced=self.spaced)

    @cached_property
    def idioms(self) -> re.Pattern[str]:
        """What is cut before the rest is read."""
        return phrase_pattern(self.idiom, spaced=self.spaced)
