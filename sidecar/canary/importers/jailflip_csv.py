"""JailFlipBench's CSV file: one wording a row, those of a question one after another.

A question ends where the truth or the topic changes or a style comes again. Two questions one after
the other with the same topic and opposite truths are a pair.
"""

from __future__ import annotations

from collections.abc import Iterator

from sidecar.canary.importers.base import Importer
from sidecar.canary.importers.family import Passed, Read, Taken, digest
from sidecar.canary.importers.jailflip import TRUTHS, flip_family
from sidecar.canary.importers.original import Original, Row, csv_rows

COLUMNS = ("idx", "style", "question", "gt", "topic")


def read(original: Original) -> Read:
    """A family a question."""
    rows: list[Row] = []
    for row in csv_rows(original, COLUMNS):
        wrong = row.wrong or next(
            (f"column {name} is empty" for name in ("style", "question") if not row.text(name)), ""
        )
        if not wrong and row.text("gt").lower() not in TRUTHS:
            wrong = "column gt: need True or False"
        if wrong:
            yield Passed(row.line, wrong)
        else:
            rows.append(row)
    before: list[Row] = []
    pair = ""
    for run in _questions(rows):
        if before and _truth(before) != _truth(run) and _topic(before) == _topic(run):
            before = []
        else:
            pair = digest(run[0].text("question"))
            before = run
        styles = {row.text("style"): row.text("question") for row in run}
        rest = {row.text("style"): row.but(*COLUMNS[1:]) for row in run}
        family = flip_family(styles, _topic(run), truth=_truth(run), meta={"pair": pair, "rows": rest})
        yield Taken(run[0].line, "|".join(styles.values()), family, len(run))


def _questions(rows: list[Row]) -> Iterator[list[Row]]:
    run: list[Row] = []
    for row in rows:
        styles = {other.text("style") for other in run}
        if run and (row.text("style") in styles or _truth([row]) != _truth(run) or _topic([row]) != _topic(run)):
            yield run
            run = []
        run.append(row)
    if run:
        yield run


def _truth(run: list[Row]) -> bool:
    return TRUTHS[run[0].text("gt").lower()]


def _topic(run: list[Row]) -> str:
    return run[0].text("topic")


IMPORTER = Importer("jailflip-csv", "JailFlipBench", read)
