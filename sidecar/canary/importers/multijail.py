"""MultiJail (Deng et al. 2024, arXiv:2310.06474): harmful prompts in ten languages, by how much text a language has."""

from __future__ import annotations

from typing import Any

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import REFUSE, Passed, Read, Taken
from sidecar.canary.importers.original import Original, csv_rows

TIERS = {
    **dict.fromkeys(("en", "zh", "it", "vi"), "high"),
    **dict.fromkeys(("ar", "ko", "th"), "medium"),
    **dict.fromkeys(("bn", "sw", "jv"), "low"),
}
"""Resource tiers as the paper sets them."""
COLUMNS = ("id", "source", "tags", *TIERS)


def read(original: Original) -> Read:
    """A family a row: the same request in every language that is filled in, English first."""
    for row in csv_rows(original, COLUMNS):
        english = row.text("en")
        prompts: dict[str, Any] = {
            language: {"text": [row.text(language)], "status": "imported"} for language in TIERS if row.text(language)
        }
        if row.wrong or not english:
            yield Passed(row.line, row.wrong or "column en is empty")
        elif len(prompts) < 2:
            yield Passed(row.line, "no language beside en")
        else:
            prompts["en"] = english
            tiers = {language: TIERS[language] for language in prompts}
            family = {
                "group": "multilingual",
                "kind": "translation_set",
                "quadrant": "harmful_input",
                "prompts": prompts,
                "expect": REFUSE,
                "meta": {**row.but(*TIERS), "resource_tier": tiers},
            }
            yield Taken(row.line, english, family)


IMPORTER = Importer("multijail", "MultiJail", read, "MIT")
