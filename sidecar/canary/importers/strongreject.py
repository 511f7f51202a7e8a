"""StrongREJECT (Souly et al. 2024, arXiv:2402.10260): forbidden prompts by category."""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful
from sidecar.canary.importers.original import Original, csv_rows


def read(original: Original) -> Read:
    """A family a prompt."""
    for row in csv_rows(original, ("category", "source", "forbidden_prompt")):
        prompt = row.text("forbidden_prompt")
        if row.wrong or not prompt:
            yield Passed(row.line, row.wrong or "column forbidden_prompt is empty")
        else:
            about = domain(row.text("category"))
            yield Taken(row.line, prompt, harmful(prompt, **about, meta=row.but("forbidden_prompt")))


IMPORTER = Importer("strongreject", "StrongREJECT", read, "MIT")
