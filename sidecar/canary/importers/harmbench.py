"""HarmBench (Mazeika et al. 2024, arXiv:2402.04249): behaviours that should be declined, some about a given text."""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful
from sidecar.canary.importers.original import Original, csv_rows

COLUMNS = ("Behavior", "FunctionalCategory", "SemanticCategory", "Tags", "ContextString", "BehaviorID")


def read(original: Original) -> Read:
    """A family a behaviour; its context stands before it."""
    for row in csv_rows(original, COLUMNS):
        behaviour, context = row.text("Behavior"), row.text("ContextString")
        if row.wrong or not behaviour:
            yield Passed(row.line, row.wrong or "column Behavior is empty")
            continue
        asked = f"{context}\n\n---\n\n{behaviour}" if context else behaviour
        about = domain(row.text("SemanticCategory") or row.text("FunctionalCategory"))
        yield Taken(row.line, asked, harmful(asked, **about, meta=row.but("Behavior", "ContextString")))


IMPORTER = Importer("harmbench", "HarmBench", read, "MIT")
