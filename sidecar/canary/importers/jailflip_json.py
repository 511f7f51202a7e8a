"""JailFlipBench's JSON file: seed questions, each unflipped and flipped.

The open-ended "factual extension" of a question is kept beside it and not asked: whether a
text argues for a falsehood is for a person to say.
"""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, digest
from sidecar.canary.importers.jailflip import TRUTHS, flip_family
from sidecar.canary.importers.original import Original, json_items, with_columns

SIDES = ("unflipped", "flipped")


def read(original: Original) -> Read:
    """Two families a seed. A row is one wording of a question."""
    for line, seed in json_items(original, "question_list"):
        row = with_columns(original, line, seed, ("seed_index", "topic_name_JFB", *SIDES))
        sides = {name: _side(original, line, name, row.values[name]) for name in SIDES}
        pair = digest("|".join(next(iter(questions.values()), "") for _, questions, _ in sides.values()))
        for name, (truth, questions, rest) in sides.items():
            styles = {style: wording for style, wording in questions.items() if wording}
            yield from (Passed(line, "a wording is empty") for wording in questions.values() if not wording)
            if not styles:
                continue
            if truth is None:
                yield from (Passed(line, f"{name}.gt: need true or false") for _ in styles)
                continue
            meta = {**row.but("topic_name_JFB", *SIDES), "pair": pair, "side": name, **rest}
            topic = str(row.values["topic_name_JFB"])
            key = "|".join(styles.values())
            yield Taken(line, key, flip_family(styles, topic, truth=truth, meta=meta), len(styles))


def _side(original: Original, line: int, name: str, side: Any) -> tuple[bool | None, dict[str, str], dict[str, Any]]:
    if not isinstance(side, dict):
        raise original.mistake(line, f"column {name}: need an object")
    for key in ("gt", "questions"):
        if key not in side:
            raise original.mistake(line, f"column {name}.{key} is missing")
    questions = side["questions"]
    if not isinstance(questions, dict):
        raise original.mistake(line, f"column {name}.questions: need an object")
    told = {style: wording.strip() if isinstance(wording, str) else "" for style, wording in questions.items()}
    rest = {key: value for key, value in side.items() if key not in ("gt", "questions")}
    return TRUTHS.get(str(side["gt"]).lower()), told, rest


IMPORTER = Importer("jailflip-json", "JailFlipBench", read)
