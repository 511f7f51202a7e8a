"""A report of garak: the prompts of its attempts, with what its detectors made of them.

Where an attempt names triggers, a reply must hold none of them; otherwise the prompt is to be
declined. A leading system turn is the family's own, several turns are asked as they are. Replies in the report are another model's and are left out. ``eval`` entries go into the
``meta`` of their probe's families; other entries hold no prompt. A hit log, which garak writes beside its report, has a
line for each reply that failed: its prompt is taken as that of an attempt.
"""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import REFUSE, Passed, Read, Taken, domain, spoken
from sidecar.canary.importers.original import Original, json_lines, with_columns

EVALUATED = ("detector", "passed", "fails", "nones", "total", "total_evaluated", "confidence_lower", "confidence_upper")
_HIT = {"prompt", "probe", "detector", "score"}


def read(original: Original) -> Read:
    """A family a prompt. ``total`` is what older versions call ``total_evaluated``. garak writes an attempt again when it is evaluated: that is the same text again."""
    attempts: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
    evals: dict[str, list[dict[str, Any]]] = {}
    for line, written in json_lines(original):
        entry = _of_hit(written) if "entry_type" not in written and set(written) >= _HIT else written
        kind = with_columns(original, line, entry, ("entry_type",)).values["entry_type"]
        if kind == "eval":
            found = {key: entry[key] for key in EVALUATED if key in entry}
            if missing := [key for key in ("probe", "detector", "passed") if key not in entry]:
                yield Passed(line, f"an eval without {', '.join(missing)}")
            else:
                evals.setdefault(_bare(entry["probe"]), []).append(found)
                yield Passed(line, "an eval: kept beside its probe's prompts")
        elif kind == "attempt":
            row = with_columns(original, line, entry, ("probe_classname", "prompt"))
            if asked := _asked(row.values["prompt"]):
                attempts.append((line, asked, entry))
            else:
                yield Passed(line, "column prompt: need a text, or turns of text that end with the user's")
        else:
            yield Passed(line, "an entry without a prompt")
    for line, asked, entry in attempts:
        probe = _bare(entry["probe_classname"])
        notes = entry.get("notes")
        triggers = notes.get("triggers") if isinstance(notes, dict) else None
        forbidden = [text for text in triggers if isinstance(text, str) and text] if isinstance(triggers, list) else []
        meta = {"probe": probe, "goal": entry.get("goal"), "garak": evals.get(probe)}
        family = {
            "group": "adversarial",
            "quadrant": "harmful_input",
            **domain(probe.partition(".")[0]),
            **asked,
            "expect": {"answer": {"none_of": forbidden}} if forbidden else REFUSE,
            "meta": {key: value for key, value in meta.items() if value},
        }
        yield Taken(line, _key(asked), family)


def _of_hit(hit: dict[str, Any]) -> dict[str, Any]:
    """A line of a hit log as an attempt. Earlier versions have one ``trigger``, and names of probes with their package."""
    triggers = hit.get("triggers", hit.get("trigger"))
    listed = triggers if isinstance(triggers, list) else [triggers]
    return {
        "entry_type": "attempt",
        "probe_classname": hit["probe"],
        "prompt": hit["prompt"],
        "goal": hit.get("goal"),
        "notes": {"triggers": listed},
    }


def _bare(probe: Any) -> str:
    return str(probe).removeprefix("garak.").removeprefix("probes.")


def _key(asked: dict[str, Any]) -> str:
    """All text that is asked; of a single prompt, the prompt."""
    said = [text for turn in asked.get("turns", ()) for text in turn.values()] or [asked["prompts"]["en"]]
    return "|".join([asked["system"], *said] if "system" in asked else said)


def _asked(prompt: Any) -> dict[str, Any]:
    """The keys of a family that say what is asked; empty where something in it is no text."""
    turns = prompt.get("turns") if isinstance(prompt, dict) else None
    if not isinstance(turns, list):
        text = _text(prompt)
        return {"prompts": {"en": text}} if text else {}
    said = [(str(turn.get("role", "user")), _text(turn.get("content"))) for turn in turns if isinstance(turn, dict)]
    if len(said) < len(turns):
        return {}
    return spoken(said)


def _text(content: Any) -> str:
    """Of a message, as both versions write it; one with an attachment has more than its text and gives none."""
    if isinstance(content, dict):
        content = "" if content.get("data_path") else content.get("text")
    return content.strip() if isinstance(content, str) else ""


IMPORTER = Importer("garak-report", "garak", read)
