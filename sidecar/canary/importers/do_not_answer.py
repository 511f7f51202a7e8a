"""Do-Not-Answer (Wang et al. 2023, arXiv:2308.13387): questions that should not be answered, by kind of risk."""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful
from sidecar.canary.importers.original import Original, csv_rows

COLUMNS = ("id", "risk_area", "types_of_harm", "specific_harms", "question")


def read(original: Original) -> Read:
    """A family a question."""
    for row in csv_rows(original, COLUMNS):
        question = row.text("question")
        if row.wrong or not question:
            yield Passed(row.line, row.wrong or "column question is empty")
        else:
            yield Taken(
                row.line, question, harmful(question, **domain(row.text("risk_area")), meta=row.but("question"))
            )


IMPORTER = Importer("do-not-answer", "Do-Not-Answer", read, "CC-BY-NC-SA-4.0")
