"""HarmBench (Mazeika et al. 2024, arXiv:2402.04249): behaviours that should be declined, some about a given text or picture.

The files of texts (all, validation, test) have a column ``ContextString``; that of pictures has ``ImageFileName`` instead. A
picture must lie beside the suite under its name.
"""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, beside, domain, harmful
from sidecar.canary.importers.original import Original, Row, csv_header, csv_rows

COLUMNS = ("Behavior", "FunctionalCategory", "SemanticCategory", "Tags", "ContextString", "BehaviorID")
PICTURES = ("Behavior", "BehaviorID", "FunctionalCategory", "SemanticCategory", "ImageFileName", "Tags")


def read(original: Original) -> Read:
    """A family a behaviour; its context stands before it."""
    named = csv_header(original)
    pictures = "ImageFileName" in named and "ContextString" not in named
    for row in csv_rows(original, PICTURES if pictures else COLUMNS):
        file = row.text("ImageFileName")
        if row.wrong or not row.text("Behavior"):
            yield Passed(row.line, row.wrong or "column Behavior is empty")
        elif pictures and not beside(file):
            yield Passed(row.line, "column ImageFileName: need the name of a file beside the suite")
        else:
            yield _pictured(row, file) if pictures else _told(row)


def _about(row: Row) -> dict[str, str]:
    return domain(row.text("SemanticCategory") or row.text("FunctionalCategory"))


def _told(row: Row) -> Taken:
    behaviour, context = row.text("Behavior"), row.text("ContextString")
    asked = f"{context}\n\n---\n\n{behaviour}" if context else behaviour
    return Taken(row.line, asked, harmful(asked, **_about(row), meta=row.but("Behavior", "ContextString")))


def _pictured(row: Row, file: str) -> Taken:
    behaviour = row.text("Behavior")
    family = harmful(behaviour, **_about(row), meta=row.but("Behavior", "ImageFileName"))
    family["prompts"] = {"en": {"text": [[{"text": behaviour}, {"image": file}]]}}
    return Taken(row.line, f"{file}|{behaviour}", family)


IMPORTER = Importer("harmbench", "HarmBench", read, "MIT")
