"""``kilter report``: what a period showed, out of the evidence log."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from sidecar.canary import duration
from sidecar.canary.loading import LoadedSuite, SuiteError, built_in_paths, in_directory, load_all
from sidecar.canary.results import Compared, Results, StoreError
from sidecar.commands.evidence import UnusableError, head_option, located, log_options
from sidecar.evidence.chain import Head
from sidecar.report.document import document
from sidecar.report.history import History, read
from sidecar.report.render import FORMATS, Format, render

_RESULTS = "canary.db"


def _moment(_: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Unix seconds: of a date or a moment, or so long before now."""
    if text is None:
        return None
    if re.fullmatch(r"\d+[mhdw]", text):
        try:
            return time.time() - duration.seconds(text)
        except ValueError as error:
            raise click.BadParameter(f"{text!r}: {error}", param=parameter) from None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: need 30d, 12h, 2026-11-01 or 2026-11-01T06:00", param=parameter) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter report --since 30d --format html -o november.html\n"
    "  kilter report --since 2026-11-01 --until 2026-12-01 --format md\n"
    "  kilter report --since 7d --format json | jq '.unmeasured[].what'\n"
    "  kilter report /mnt/copy/kilter-evidence --key evidence_key --head 8112:5d… --format html -o audit.html\n"
)
@log_options
@click.option(
    "--since", "from_s", default="30d", show_default=True, metavar="TIME", callback=_moment,
    help="Begin: 30d, 12h, or a date (UTC).",
)  # fmt: skip
@click.option("--until", "until_s", metavar="TIME", callback=_moment, help="End, not included [default: now].")
@click.option(
    "--format", "form", default="md", show_default=True, type=click.Choice(FORMATS), help="Form of the report."
)
@click.option("-o", "--output", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write it there.")
@click.option(
    "--suites", metavar="DIR", type=click.Path(file_okay=False, path_type=Path),
    help="Suite files [default: the directory that the configuration named, and the built-in ones].",
)  # fmt: skip
@head_option
def command(
    directory: Path | None,
    state: str,
    key_file: Path | None,
    from_s: float,
    until_s: float | None,
    form: Format,
    output: Path | None,
    suites: Path | None,
    outside: Head | None,
) -> None:
    """Writes what the evidence log says of a period: how things stood, what moved, what was not measured.

    It reads the log (of a running Kilter too, or a copy: DIRECTORY) and verifies it on the way. Suite files say which
    facts have expired; comparisons come from the file of results beside the log. Nothing is sent or fetched, and the HTML
    form needs nothing from elsewhere.

    Exit 0: written; 1: written, and the log is broken; 2: something cannot be used; 3: there is no log.
    """
    place, key = located(directory, state, key_file)
    now_s = time.time()
    until = now_s if until_s is None else until_s
    if from_s >= until:
        raise click.UsageError("--since: need a time before --until")
    try:
        history = read(place, key, from_s, until, outside)
    except OSError as error:
        raise UnusableError(f"{error.filename or place}: {error.strerror}") from None
    loaded, unread = _suites(history, suites)
    text = render(
        document(history, loaded, _comparisons(place), generated_s=now_s, suites_unread=unread),
        form,
    )
    _write(text, output)
    if history.verdict.broken is not None:
        click.echo(f"the log is broken at record {history.verdict.broken_seq}: {history.verdict.broken}", err=True)
        raise click.exceptions.Exit(1)


def _write(text: str, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(text)
        return
    try:
        output.write_text(text, "utf-8")
    except OSError as error:
        raise UnusableError(f"{output}: {error.strerror}") from None


def _suites(history: History, named: Path | None) -> tuple[Sequence[LoadedSuite], str]:
    """The suites that are asked, with those of ``named`` or of the configuration, and why they could not be read."""
    config = history.at_end("config")
    values = config.data["values"] if config else {}
    asked = {entry.data["suite"] for entry in history.of("probe")}
    only = set(values.get("canary.only", ()))
    enabled = bool(values.get("canary.enabled"))
    folder = named or (Path(values["canary.suites"]) if values.get("canary.suites") else None)
    try:
        loaded = load_all([*built_in_paths(), *(in_directory(folder) if folder else ())])
    except SuiteError as error:
        return (), f"suite files could not be read: {str(error).splitlines()[0]}"
    names = asked | {suite.suite.suite for suite in loaded if enabled and (not only or suite.suite.suite in only)}
    return [suite for suite in loaded if suite.suite.suite in names], ""


def _comparisons(place: Path) -> Sequence[Compared]:
    path = place.parent / _RESULTS
    if not path.exists():
        return ()
    try:
        with Results(path) as results:
            return results.comparisons()
    except StoreError as error:
        raise UnusableError(str(error)) from None
