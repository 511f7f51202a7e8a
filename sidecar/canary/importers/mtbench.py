"""MT-Bench (Zheng et al. 2023, arXiv:2306.05685): questions of two turns. How good a reply is, a judge model says."""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import COMPLY, Passed, Read, Taken, domain, judged
from sidecar.canary.importers.original import Original, json_rows

RUBRIC = "The replies do what the user asks in each turn: helpful, relevant, accurate and detailed enough."


def read(original: Original) -> Read:
    """A family a question."""
    for row in json_rows(original, ("question_id", "category", "turns")):
        turns = row.values["turns"]
        if (
            not isinstance(turns, list)
            or not turns
            or not all(isinstance(turn, str) and turn.strip() for turn in turns)
        ):
            yield Passed(row.line, "column turns: need a list of texts")
            continue
        family: dict[str, Any] = {
            "group": "general",
            "kind": "multi_turn",
            "quadrant": "harmless_input",
            **domain(row.text("category")),
            "turns": [{"user": turn.strip()} for turn in turns],
            "max_tokens": 1024,
            "expect": {**COMPLY, **judged(_rubric(row.values.get("reference")))},
            "meta": row.but("turns", "reference"),
        }
        yield Taken(row.line, "|".join(turns), family)


def _rubric(reference: Any) -> str:
    if not isinstance(reference, list) or not any(reference):
        return RUBRIC
    shown = "\n".join(f"Turn {at}: {answer}" for at, answer in enumerate(reference, 1) if answer)
    return f"{RUBRIC} Answers known to be right:\n{shown}"


IMPORTER = Importer("mtbench", "MT-Bench", read, "Apache-2.0")
