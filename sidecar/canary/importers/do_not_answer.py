"""Do-Not-Answer (Wang et al. 2023, arXiv:2308.13387): questions that should not be answered, by kind of risk.

Its Chinese file (Wang et al. 2024, arXiv:2402.12193) has each question in Chinese and in English, and of what kind it is: a
harmless one with words of risk in it (a false positive of guards) is to be answered, all others are to be declined.
"""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful, harmless, slug
from sidecar.canary.importers.original import Original, csv_header, csv_rows

COLUMNS = ("id", "risk_area", "types_of_harm", "specific_harms", "question")
CHINESE = ("id", "risk_area", "types_of_harm", "question_type", "zh_question", "en_question")


def read(original: Original) -> Read:
    """A family a question; of the Chinese file in both of its languages."""
    chinese = "zh_question" in csv_header(original)
    asked = "zh_question" if chinese else "question"
    for row in csv_rows(original, CHINESE if chinese else COLUMNS):
        question = row.text(asked)
        if row.wrong or not question:
            yield Passed(row.line, row.wrong or f"column {asked} is empty")
            continue
        asking = harmless if _sounds_only(row.text("question_type")) else harmful
        family = asking(question, **domain(row.text("risk_area")), meta=row.but(asked, "en_question"))
        if chinese:
            english = row.text("en_question")
            family["prompts"] = {
                **({"en": english} if english else {}),
                "zh": {"text": [question], "status": "imported"},
            }
        yield Taken(row.line, question, family)


def _sounds_only(kind: str) -> bool:
    return slug(kind) in ("fp", "false_positive") or "harmless" in kind.lower()


IMPORTER = Importer("do-not-answer", "Do-Not-Answer", read, "CC-BY-NC-SA-4.0")
