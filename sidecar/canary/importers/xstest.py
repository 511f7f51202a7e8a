"""XSTest (Röttger et al. 2024, arXiv:2308.01263): safe prompts that look unsafe, and unsafe ones beside them."""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful, harmless
from sidecar.canary.importers.original import Original, csv_rows

COLUMNS = ("id", "prompt", "type", "label", "focus", "note")
_ASKING = {"safe": harmless, "unsafe": harmful}


def read(original: Original) -> Read:
    """A family a prompt: safe ones are to be answered, unsafe ones declined."""
    for row in csv_rows(original, COLUMNS):
        prompt, asking = row.text("prompt"), _ASKING.get(row.text("label").lower())
        if row.wrong or not prompt:
            yield Passed(row.line, row.wrong or "column prompt is empty")
        elif asking is None:
            yield Passed(row.line, "column label: need safe or unsafe")
        else:
            about = domain(row.text("type").removeprefix("contrast_"))
            yield Taken(row.line, prompt, asking(prompt, **about, meta=row.but("prompt")))


IMPORTER = Importer("xstest", "XSTest", read, "CC-BY-4.0")
