"""``kilter classify``: what answers are, one JSON line each, and how well that is told."""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from detectors.features.calibration import write_calibrations
from detectors.features.judgement import judge_text
from detectors.features.language import UNDETERMINED, identify, identify_all
from detectors.records.calibration import Calibration
from detectors.stats.clopper_pearson import lower_bound, upper_bound

_REFUSAL = "refusal"
_LABELS = (_REFUSAL, "hollow_refusal", "partial", "compliance", "empty", "aborted")
_BETA = 0.025
_CHUNK = 64
_DRAWS, _SEED = 2000, 6
_INSUFFICIENT = 3


class LineError(click.ClickException):
    """A line of the input is wrong. The text names the line and quotes nothing of it."""

    exit_code = 2


@click.command(
    epilog="\b\nExamples:\n"
    '  echo \'{"prompt": "How?", "response": "I can\\u2019t help with that."}\' | kilter classify\n'
    "  kilter classify --jobs 4 < answers.jsonl | jq -r .label | sort | uniq -c\n"
    "  kilter classify --evaluate < labelled.jsonl\n"
    "  kilter classify --calibrate calibration.json < labelled.jsonl\n"
)
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that classify.")
@click.option("--evaluate", is_flag=True, help="Compare with each line's label and print a table.")
@click.option("--json", "as_json", is_flag=True, help="With --evaluate: print the table as JSON.")
@click.option(
    "--calibrate",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write sensitivity and specificity by language, from each line's label, to FILE.",
)
def command(jobs: int, *, evaluate: bool, as_json: bool, calibrate: Path | None) -> None:
    """Reads JSON lines {prompt, response, language?} from stdin and labels each response.

    The same lines come out with label, marker, delivered, language and decided_by. Nothing is sent anywhere.
    With --evaluate or --calibrate a line has a label too (refusal, hollow_refusal or partial,
    compliance, empty, aborted) and may have a source; what counts is refusal against the rest.

    Exit 2 where a line is no such object or FILE cannot be written, 3 where --evaluate or --calibrate found no line.
    """
    if as_json and not evaluate:
        raise click.UsageError("--json goes with --evaluate")
    labelled = evaluate or calibrate is not None
    lines = classified(sys.stdin.buffer, jobs, labelled=labelled)
    if not labelled:
        for _, line in lines:
            click.echo(line)
        return
    tallies = Tallies(row for row, _ in lines)
    if not tallies.of:
        click.echo("no labelled line was read", err=True)
        raise click.exceptions.Exit(_INSUFFICIENT)
    if calibrate is not None:
        try:
            calibrate.write_text(write_calibrations(tallies.by_language()), "utf-8")
        except OSError as error:
            raise click.BadParameter(f"{calibrate}: {error.strerror}", param_hint="--calibrate") from None
    if evaluate:
        show(tallies.rows(), as_json=as_json)


Row = tuple[str, str, bool, bool]
"""Language, source, whether it is a refusal, whether it was called one."""


def classified(lines: BinaryIO, jobs: int, *, labelled: bool) -> Iterator[tuple[Row, str]]:
    """Each line's row and its answer, in the order of the input. Blank lines are passed over."""
    numbered = ((number, line, labelled) for number, line in enumerate(lines, 1) if not line.isspace())
    if jobs == 1:
        yield from map(_classify, numbered)
        return
    # Spawned rather than forked: numpy may have started threads, which a fork would not copy.
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_classify, numbered, _CHUNK)


def _classify(job: tuple[int, bytes, bool]) -> tuple[Row, str]:
    number, line, labelled = job
    given = _given(number, line)
    response, prompt = given["response"], given.get("prompt") or ""
    found = identify_all(response)
    language = given.get("language") or identify(prompt)
    if language == UNDETERMINED:
        language = found[0]
    judged = judge_text(response, (found[0], language, *found[1:]))
    label = given.get("label")
    if labelled and label not in _LABELS:
        raise LineError(f"line {number}: label: need one of {', '.join(_LABELS)}")
    row = (language, str(given.get("source") or "-"), label == _REFUSAL, judged.label == _REFUSAL)
    answer = {
        **given,
        "label": judged.label,
        "marker": judged.marker,
        "delivered": judged.delivered,
        "language": language,
        "decided_by": judged.decided_by,
    }
    return row, json.dumps(answer)


def _given(number: int, line: bytes) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except (ValueError, RecursionError):
        raise LineError(f"line {number}: not JSON") from None
    if not isinstance(given, dict) or not isinstance(given.get("response"), str):
        raise LineError(f"line {number}: need an object with a text response")
    for name in ("prompt", "language"):
        if not isinstance(given.get(name) or "", str):
            raise LineError(f"line {number}: {name}: need a text")
    return given


class Tallies:
    """Rows counted by language and source."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.of: dict[tuple[str, str], np.ndarray[Any, np.dtype[np.int64]]] = defaultdict(lambda: np.zeros(4, np.int64))
        for language, source, refused, called in rows:
            # detected, missed, false, cleared
            self.of[language, source][(0 if called else 1) if refused else (2 if called else 3)] += 1

    def by_language(self) -> dict[str, Calibration]:
        """Of all sources together."""
        totals: dict[str, Any] = defaultdict(lambda: np.zeros(4, np.int64))
        for (language, _), counts in self.of.items():
            totals[language] = totals[language] + counts
        return {
            language: Calibration(int(hit), int(hit + missed), int(cleared), int(false + cleared))
            for language, (hit, missed, false, cleared) in totals.items()
        }

    def rows(self) -> list[dict[str, Any]]:
        """One a language and source, and the total, as figures with intervals at 95 %."""
        groups = sorted(self.of.items())
        total = sum((counts for _, counts in groups), np.zeros(4, np.int64))
        return [figures(language, source, counts) for (language, source), counts in (*groups, (("all", "all"), total))]


def figures(language: str, source: str, counts: np.ndarray[Any, np.dtype[np.int64]]) -> dict[str, Any]:
    """``f1``, ``sensitivity`` and ``specificity`` as [value, low, high], null where there is nothing to tell.

    F1 has no exact interval: its own is the middle 95 % of resampled counts, seeded.
    """
    hit, missed, false, cleared = map(int, counts)
    return {
        "language": language,
        "source": source,
        "n": hit + missed + false + cleared,
        "refusals": hit + missed,
        "f1": _f1_interval(counts) if hit + missed else None,
        "sensitivity": _rate(hit, hit + missed),
        "specificity": _rate(cleared, false + cleared),
    }


def _rate(events: int, trials: int) -> list[float] | None:
    if not trials:
        return None
    bounds = float(lower_bound(events, trials, _BETA)), float(upper_bound(events, trials, _BETA))
    return [round(value, 4) for value in (events / trials, *bounds)]


def _f1_interval(counts: np.ndarray[Any, np.dtype[np.int64]]) -> list[float]:
    drawn = np.random.default_rng(_SEED).multinomial(counts.sum(), counts / counts.sum(), _DRAWS)
    low, high = np.quantile(_f1(drawn), [_BETA, 1 - _BETA])
    return [round(float(value), 4) for value in (_f1(counts[np.newaxis])[0], low, high)]


def _f1(counts: np.ndarray[Any, np.dtype[np.int64]]) -> np.ndarray[Any, np.dtype[np.float64]]:
    hit, missed, false = counts[:, 0], counts[:, 1], counts[:, 2]
    return np.asarray(2 * hit / np.maximum(2 * hit + missed + false, 1), np.float64)


def show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """The table, for a person or as one JSON list."""
    if as_json:
        click.echo(json.dumps(rows, indent=1))
        return
    table = Table("language", "source", "n", "refusals", "F1", "sensitivity", "specificity")
    for row in rows:
        shown = (
            "-" if row[name] is None else "{:.3f} ({:.3f} to {:.3f})".format(*row[name])
            for name in ("f1", "sensitivity", "specificity")
        )
        table.add_row(row["language"], row["source"], str(row["n"]), str(row["refusals"]), *shown)
    # A pipe has no width to fit: nothing may be cut there.
    Console(width=None if sys.stdout.isatty() else 160).print(table, markup=False)
