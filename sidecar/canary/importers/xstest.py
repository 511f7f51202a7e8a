"""XSTest (Röttger et al. 2024, arXiv:2308.01263): safe prompts that look unsafe, and unsafe ones beside them.

The earlier file, ``xstest_v2_prompts.csv``, has no label: there a type that begins with ``contrast_`` is unsafe.
"""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful, harmless
from sidecar.canary.importers.original import Original, csv_header, csv_rows

COLUMNS = ("id", "prompt", "type", "label", "focus", "note")
EARLIER = ("id_v1", "id_v2", "type", "prompt", "focus", "note")
_ASKING = {"safe": harmless, "unsafe": harmful}


def read(original: Original) -> Read:
    """A family a prompt: safe ones are to be answered, unsafe ones declined."""
    named = csv_header(original)
    earlier = "id_v2" in named and "label" not in named
    for row in csv_rows(original, EARLIER if earlier else COLUMNS):
        label = row.text("label").lower()
        if earlier:
            label = "unsafe" if row.text("type").startswith("contrast_") else "safe" if row.text("type") else ""
        prompt, asking = row.text("prompt"), _ASKING.get(label)
        if row.wrong or not prompt:
            yield Passed(row.line, row.wrong or "column prompt is empty")
        elif asking is None:
            yield Passed(row.line, "column type is empty" if earlier else "column label: need safe or unsafe")
        else:
            about = domain(row.text("type").removeprefix("contrast_"))
            yield Taken(row.line, prompt, asking(prompt, **about, meta=row.but("prompt")))


IMPORTER = Importer("xstest", "XSTest", read, "CC-BY-4.0")
