"""A report of garak: the prompts of its attempts, with what its detectors made of them.

Where an attempt names triggers, a reply must hold none of them; otherwise the prompt is to be
declined. Replies in the report are another model's and are left out. ``eval`` entries go into the
``meta`` of their probe's families; other entries hold no prompt.
"""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import REFUSE, Passed, Read, Taken, domain
from sidecar.canary.importers.original import Original, json_lines, with_columns

EVALUATED = ("detector", "passed", "fails", "nones", "total_evaluated", "confidence_lower", "confidence_upper")


def read(original: Original) -> Read:
    """A family a prompt. garak writes an attempt again when it is evaluated: that is the same text again."""
    attempts: list[tuple[int, str, dict[str, Any]]] = []
    evals: dict[str, list[dict[str, Any]]] = {}
    for line, entry in json_lines(original):
        kind = with_columns(original, line, entry, ("entry_type",)).values["entry_type"]
        if kind == "eval":
            row = with_columns(original, line, entry, ("probe", "detector", "passed"))
            found = {key: row.values[key] for key in EVALUATED if key in row.values}
            evals.setdefault(_bare(row.values["probe"]), []).append(found)
            yield Passed(line, "an eval: kept beside its probe's prompts")
        elif kind == "attempt":
            row = with_columns(original, line, entry, ("probe_classname", "prompt"))
            if prompt := _prompt(row.values["prompt"]):
                attempts.append((line, prompt, entry))
            else:
                yield Passed(line, "column prompt: not one text")
        else:
            yield Passed(line, "an entry without a prompt")
    for line, prompt, entry in attempts:
        probe = _bare(entry["probe_classname"])
        notes = entry.get("notes")
        triggers = notes.get("triggers") if isinstance(notes, dict) else None
        forbidden = [text for text in triggers if isinstance(text, str) and text] if isinstance(triggers, list) else []
        meta = {"probe": probe, "goal": entry.get("goal"), "garak": evals.get(probe)}
        family = {
            "group": "adversarial",
            "quadrant": "harmful_input",
            **domain(probe.partition(".")[0]),
            "prompts": {"en": prompt},
            "expect": {"answer": {"none_of": forbidden}} if forbidden else REFUSE,
            "meta": {key: value for key, value in meta.items() if value},
        }
        yield Taken(line, prompt, family)


def _bare(probe: Any) -> str:
    return str(probe).removeprefix("garak.").removeprefix("probes.")


def _prompt(prompt: Any) -> str:
    """The text: as it is, or the one user turn of a conversation; empty where there is no such."""
    if isinstance(prompt, dict) and isinstance(prompt.get("turns"), list):
        turns = [turn for turn in prompt["turns"] if isinstance(turn, dict)]
        content = turns[0].get("content") if len(turns) == 1 else None
        prompt = content
    if isinstance(prompt, dict):
        prompt = prompt.get("text")
    return prompt.strip() if isinstance(prompt, str) else ""


IMPORTER = Importer("garak-report", "garak", read)
