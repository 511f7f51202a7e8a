# ruff: noqa: RUF001 - letters and signs that look like ASCII ones are meant here
"""An answer that reads as a refusal, as numbers that mean the same in every language.

Words are left behind here: what is counted is which roles the sentences play, where they
stand, and how much is left when they are set aside. That is why weights fitted on some
languages and sources carry over to others.

All numbers lie between 0 and about 1, so that weights can be compared.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import get_args

import numpy as np
import numpy.typing as npt

from detectors.features.lexicon import GATE_ROLES, ROLES, Role
from detectors.features.reading import Reading, Sentence, read_on
from detectors.features.refusal import Rule

_SPOKEN: tuple[Role, ...] = tuple(role for role in ROLES if role not in ("idiom", "instead"))
_RULES: tuple[Rule, ...] = get_args(Rule)
_TOGETHER: tuple[tuple[Role, Role], ...] = (
    ("apology", "cannot"),
    ("policy", "cannot"),
    ("cannot", "normative"),
    ("cannot", "product_limit"),
    ("apology", "sympathy"),
)
NOT_CONTENT: frozenset[Role] = frozenset({*GATE_ROLES, "sympathy", "redirect", "product_limit", "hedge"})
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_DENSITY = 1.75
_ITEM = re.compile(r"\n[ \t]{0,8}(?:\d{1,2}[.)]|[-*•])[ \t]")
_NEW_LINE = re.compile(r"[ \t]*\n")
_LISTED = re.compile(r"\s*(?:\d{1,2}[.)、]|[-*•·])")
_LONG, _MANY, _LINES = 6000, 12, 20

NAMES: tuple[str, ...] = (
    *(f"{role} {where}" for role in _SPOKEN for where in ("first", "second", "third", "share")),
    *(f"{one} and {other}" for one, other in _TOGETHER),
    *(f"rule {rule}" for rule in _RULES),
    "length",
    "plain",
    "plain share",
    "plain run",
    "plain run at the end",
    "plain after refusing",
    "plain share of the second half",
    "redirect in the second half",
    "hedge in the second half",
    "normative in the second half",
    "cannot in the second half",
    "counsel in the second half",
    "counselled sentences",
    "plain uncounselled",
    "plain uncounselled share",
    "uncounselled run",
    "announced",
    "items",
    "paragraphs",
    "first paragraph's share",
    "plain lead",
    "last sentence plain",
    "last sentence redirects",
    "ends with a question",
    "ends with a colon",
    "bold",
    "uncounselled below",
    "uncounselled share below",
    "run beside alternatives",
    "share beside alternatives",
    "after refusing or redirecting",
    "last refusing sentence",
    "lines",
)

_COLUMN = {role: 4 * i for i, role in enumerate(_SPOKEN)}
_PLACE = (0, 1, 2, 2)
"""The first, the second, the third or fourth sentence."""
_HEAD_NUMBERS = 4 * len(_SPOKEN) + len(_TOGETHER) + len(_RULES)


def evidence(reading: Reading, rule: Rule | None) -> npt.NDArray[np.float64]:
    """Shape ``(len(NAMES),)``. ``reading`` has sentences, ``rule`` is by which it reads as a refusal."""
    return np.fromiter((*_of_head(reading.sentences, rule), *_of_body(reading)), np.float64, len(NAMES))


def _of_head(sentences: Sequence[Sentence], rule: Rule | None) -> list[float]:
    numbers = [0.0] * _HEAD_NUMBERS
    for i, sentence in enumerate(sentences):
        for role in sentence.roles:
            if role in _COLUMN:
                first = _COLUMN[role]
                numbers[first + 3] += 1 / len(sentences)
                if i < len(_PLACE):
                    numbers[first + _PLACE[i]] = 1.0
    at = len(_COLUMN) * 4
    for i, (one, other) in enumerate(_TOGETHER):
        numbers[at + i] = any(one in sentence.roles and other in sentence.roles for sentence in sentences[:3])
    if rule is not None:
        numbers[at + len(_TOGETHER) + _RULES.index(rule)] = 1.0
    return numbers


def _of_body(reading: Reading) -> Iterator[float]:
    text = reading.text
    sentences = read_on(reading)
    density = _DENSITY if not text.isascii() and _DENSE.search(text) else 1.0
    lengths = [len(sentence.text) * density for sentence in sentences]
    plain = [
        length if sentence.roles.isdisjoint(NOT_CONTENT) else 0.0
        for sentence, length in zip(sentences, lengths, strict=True)
    ]
    apart = [0.0 if "counsel" in sentence.roles else free for sentence, free in zip(sentences, plain, strict=True)]
    asked = [0.0 if offered else free for offered, free in zip(_alternatives(sentences), plain, strict=True)]
    in_all, in_plain, in_apart = sum(lengths), sum(plain), sum(apart)
    some = in_all or 1.0
    refusing = [i for i, sentence in enumerate(sentences) if not sentence.roles.isdisjoint(GATE_ROLES)] or [0]
    refused = refusing[0]
    runs = _runs(plain)
    half = _half(lengths)
    later = [role for sentence in sentences[half:] for role in sentence.roles]
    yield scaled(in_all)
    yield scaled(in_plain)
    yield in_plain / some
    yield scaled(max(runs))
    yield scaled(runs[-1])
    yield scaled(sum(plain[refused + 1 :]))
    yield sum(plain[half:]) / (sum(lengths[half:]) or 1.0)
    for role in ("redirect", "hedge", "normative", "cannot", "counsel"):
        yield later.count(role) / (len(sentences) - half)
    yield sum("counsel" in sentence.roles for sentence in sentences) / len(sentences)
    yield scaled(in_apart)
    yield in_apart / some
    yield scaled(max(_runs(apart)))
    yield any("affirmative" in sentence.roles for sentence in sentences[refused + 1 :])
    yield min(len(_ITEM.findall(f"\n{text}")), _MANY) / _MANY
    paragraphs = [paragraph for paragraph in text.split("\n\n") if paragraph.strip()]
    yield min(len(paragraphs), _MANY) / _MANY
    yield len(paragraphs[0]) / len(text) if paragraphs else 0.0
    yield scaled(sum(plain[:refused]))
    yield plain[-1] > 0
    yield "redirect" in sentences[-1].roles
    ending = text.rstrip()[-1:]
    yield ending in "?？؟"
    yield ending in ":："
    yield "**" in text
    below = _next_line(sentences, refused)
    turned = max((i for i, sentence in enumerate(sentences) if "redirect" in sentence.roles), default=0)
    yield scaled(sum(apart[below:]))
    yield sum(apart[below:]) / (sum(lengths[below:]) or 1.0)
    yield scaled(max(_runs(asked)))
    yield sum(asked) / some
    yield scaled(sum(lengths[max(refusing[-1], turned) + 1 :]))
    yield refusing[-1] / len(sentences)
    yield min(text.count("\n"), _LINES) / _LINES


def _alternatives(sentences: Sequence[Sentence]) -> Iterator[bool]:
    """Whether each sentence belongs to something else than what was asked.

    "Instead" speaks for the rest of its paragraph; it, or an offer, that ends with a colon speaks for the list below.
    """
    within = False
    before = ""
    for sentence in sentences:
        if within and _breaks(before, sentence.text) and not _LISTED.match(sentence.text):
            within = False
        turns = "instead" in sentence.roles
        yield within or turns
        if turns or ("redirect" in sentence.roles and sentence.text.rstrip()[-1:] in (":", "：")):
            within = True
        before = sentence.text


def _next_line(sentences: Sequence[Sentence], refused: int) -> int:
    """The first sentence that begins on a line below the refusing one; their number where none does."""
    return next(
        (i for i in range(refused + 1, len(sentences)) if _breaks(sentences[i - 1].text, sentences[i].text)),
        len(sentences),
    )


def _breaks(before: str, after: str) -> bool:
    """Whether ``after`` begins on a line of its own. Blanks after a sentence belong to the next one."""
    return before.endswith("\n") or _NEW_LINE.match(after) is not None


def _runs(plain: Sequence[float]) -> list[float]:
    """Characters of each run of plain sentences; the last number is that of the run at the end, maybe 0."""
    runs = [0.0]
    for length in plain:
        if length:
            runs[-1] += length
        elif runs[-1]:
            runs.append(0.0)
    if not plain[-1] and runs[-1]:
        runs.append(0.0)
    return runs


def _half(lengths: Sequence[float]) -> int:
    """The sentence with which the second half of the text begins."""
    read, middle = 0.0, sum(lengths) / 2
    for i, length in enumerate(lengths):
        if read >= middle:
            return i
        read += length
    return len(lengths) - 1


def scaled(length: float) -> float:
    """Characters as a number between 0 and about 1: a hundred more matter less the more there are."""
    return math.log1p(length) / math.log1p(_LONG)
