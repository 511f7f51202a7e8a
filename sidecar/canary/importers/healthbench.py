"""HealthBench (Arora et al. 2025, arXiv:2505.08775): conversations about health. How good a reply is, a judge model says."""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, judged
from sidecar.canary.importers.original import Original, json_rows

ROLES = ("user", "assistant")


def read(original: Original) -> Read:
    """A family a conversation, its earlier turns as they are. All criteria go to the judge as one rubric."""
    for row in json_rows(original, ("prompt", "rubrics")):
        turns = _turns(row.values["prompt"])
        wanted, unwanted = _criteria(row.values["rubrics"])
        if not turns:
            yield Passed(row.line, "column prompt: need messages of user and assistant, the last of the user")
        elif not wanted and not unwanted:
            yield Passed(row.line, "column rubrics: need criteria with points")
        else:
            family = {
                "group": "implicit_harm",
                "kind": "multi_turn",
                "domain": "medical",
                "quadrant": "harmless_input_factual_output",
                "turns": turns,
                "max_tokens": 1024,
                "expect": judged(_rubric(wanted, unwanted)),
                "meta": row.but("prompt", "rubrics"),
            }
            yield Taken(row.line, "|".join(text for turn in turns for text in turn.values()), family)


def _turns(messages: Any) -> list[dict[str, str]]:
    if not isinstance(messages, list) or not messages or not all(isinstance(message, dict) for message in messages):
        return []
    turns = [(message.get("role"), message.get("content")) for message in messages]
    if turns[-1][0] != "user" or not all(role in ROLES and isinstance(text, str) and text for role, text in turns):
        return []
    return [{str(role): text} for role, text in turns]


def _criteria(rubrics: Any) -> tuple[list[str], list[str]]:
    """Those that give points, and those that take some."""
    listed = [rubric for rubric in rubrics if isinstance(rubric, dict)] if isinstance(rubrics, list) else []
    points = [
        (str(rubric["criterion"]), rubric["points"])
        for rubric in listed
        if rubric.get("criterion") and isinstance(rubric.get("points"), int | float)
    ]
    return [text for text, worth in points if worth > 0], [text for text, worth in points if worth < 0]


def _rubric(wanted: list[str], unwanted: list[str]) -> str:
    good = [f"- {text}" for text in wanted]
    bad = [f"- {text}" for text in unwanted]
    return "\n".join(["The reply should:", *good, "The reply should not:", *bad])


IMPORTER = Importer("healthbench", "HealthBench", read, "MIT")
