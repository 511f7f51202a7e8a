"""The shape of an answer: ``json``, ``code``, ``list`` or ``prose``; the first that fits.

Rules of this file
* ``json``: the whole answer, or all of it within one fence, looks like an object or an array. It is not
  parsed: whether it is valid is another question, and a broken one has this shape all the same.
* ``code``: fences hold at least half of it, or it is a fence that never ends.
* ``list``: at least three lines, and at least half of the lines, begin with a bullet or a number.
* Only the first characters are read, so that a long answer costs no more than a short one.
"""

from __future__ import annotations

import re
from typing import Literal

Shape = Literal["json", "code", "list", "prose"]
SHAPES: tuple[Shape, ...] = ("json", "code", "list", "prose")
READ = 20_000

_FENCED = re.compile(r"```[^\n`]*\n?(.*?)(?:```|\Z)", re.DOTALL)
_ITEM = re.compile(r"\s{0,12}(?:(?:[-*+]|\d{1,3}[.)])\s|[•・]|\d{1,3}、)\s*\S")


def shape(text: str) -> Shape | None:
    """Any ``str``; None where nothing is visible.

    >>> shape('```json\\n{"a": 1}\\n```'), shape("1. Mix.\\n2. Knead.\\n3. Bake."), shape("Yes.")
    ('json', 'list', 'prose')
    """
    read = text[:READ].strip()
    if not read:
        return None
    fenced = _FENCED.findall(read) if "```" in read else []
    whole = fenced[0].strip() if len(fenced) == 1 and read.startswith("```") and _is_one_fence(read) else read
    if _looks_like_json(whole, cut=len(text) > READ):
        return "json"
    if 2 * sum(map(len, fenced)) >= len(read):
        return "code"
    lines = [line for line in read.splitlines() if line.strip()]
    items = sum(_ITEM.match(line) is not None for line in lines)
    return "list" if items >= 3 and 2 * items >= len(lines) else "prose"


def _is_one_fence(read: str) -> bool:
    return read.endswith("```") or read.count("```") == 1


def _looks_like_json(whole: str, *, cut: bool) -> bool:
    for opening, closing, first in (("{", "}", '"}'), ("[", "]", '{["]-0123456789tfn')):
        if whole.startswith(opening) and (cut or whole.endswith(closing)):
            rest = whole[1:].lstrip()
            return rest[:1] != "" and rest[0] in first
    return False
