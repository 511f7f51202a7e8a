"""A dataset of Inspect as JSON lines: ``input`` and ``target``, perhaps ``choices``.

A sample with choices is asked with letters before them. Otherwise the target is looked for in the
reply, and where its letters do not stand there a judge model may still find it. Samples that
come with files, a sandbox or a script are passed over: nothing is followed or run.
"""

from __future__ import annotations

from string import ascii_uppercase
from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, judged
from sidecar.canary.importers.original import Original, Row, json_rows

MOST_CHOICES = 8
"""Letters that are read out of a reply: A to H."""


def read(original: Original) -> Read:
    """A family a sample."""
    for row in json_rows(original, ("input", "target")):
        asked, targets, choices = row.text("input"), _texts(row.values["target"]), _texts(row.values.get("choices"))
        if any(row.values.get(name) for name in ("files", "sandbox", "setup")):
            yield Passed(row.line, "a sample with files, a sandbox or a script")
        elif not asked:
            yield Passed(row.line, "column input: need one text")
        elif not targets:
            yield Passed(row.line, "column target: need a text or texts")
        elif not choices:
            told = {"any": [{"answer": {"any_of": targets}}, judged(f"The reply says: {'; or: '.join(targets)}")]}
            yield _taken(row, asked, told)
        elif len(choices) > MOST_CHOICES or len(targets) > 1 or targets[0] not in ascii_uppercase[: len(choices)]:
            yield Passed(row.line, f"column target: need one letter of at most {MOST_CHOICES} choices")
        else:
            listed = [f"{letter}) {choice}" for letter, choice in zip(ascii_uppercase, choices, strict=False)]
            text = "\n".join([asked, *listed, "Answer with one letter."])
            yield _taken(row, text, {"answer": {"choice": targets[0]}})


def _taken(row: Row, asked: str, expect: dict[str, Any]) -> Taken:
    family = {
        "group": "general",
        "prompts": {"en": asked},
        "expect": expect,
        "meta": row.but("input", "target", "choices"),
    }
    return Taken(row.line, asked, family)


def _texts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [item.strip() for item in listed if isinstance(item, str) and item.strip()]


IMPORTER = Importer("inspect-jsonl", "Inspect dataset", read)
