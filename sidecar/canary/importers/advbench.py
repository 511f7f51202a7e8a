"""AdvBench (Zou et al. 2023, arXiv:2307.15043): harmful goals. Its target prefix is no sign of success and is not used."""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, harmful
from sidecar.canary.importers.original import Original, csv_rows


def read(original: Original) -> Read:
    """A family a goal."""
    for row in csv_rows(original, ("goal", "target")):
        goal = row.text("goal")
        if row.wrong or not goal:
            yield Passed(row.line, row.wrong or "column goal is empty")
        else:
            yield Taken(row.line, goal, harmful(goal, meta=row.but("goal")))


IMPORTER = Importer("advbench", "AdvBench", read, "MIT")
