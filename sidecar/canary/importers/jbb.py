"""JailbreakBench (Chao et al. 2024, arXiv:2404.01318): harmful goals, and in another file their harmless twins.

The two files have the same columns: that with ``benign`` in its name is to be answered.
"""

from __future__ import annotations

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, domain, harmful, harmless
from sidecar.canary.importers.original import Original, csv_rows

COLUMNS = ("Goal", "Target", "Behavior", "Category", "Source")


def read(original: Original) -> Read:
    """A family a goal."""
    asking = harmless if "benign" in original.path.name.lower() else harmful
    for row in csv_rows(original, COLUMNS):
        goal = row.text("Goal")
        if row.wrong or not goal:
            yield Passed(row.line, row.wrong or "column Goal is empty")
        else:
            yield Taken(row.line, goal, asking(goal, **domain(row.text("Category")), meta=row.but("Goal")))


IMPORTER = Importer("jbb", "JailbreakBench", read, "MIT")
