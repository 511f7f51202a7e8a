"""``kilter canary contamination``: are canaries in this training data?"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress

from sidecar.canary.contamination import LEAST, ExclusionsError, Scan, read_exclusions, texts_of_line
from sidecar.commands.canary import _traces
from sidecar.commands.canary._suites import (
    names_option,
    rotation_secret,
    secret_option,
    state_option,
    suites,
    suites_option,
)
from sidecar.commands.run import ConfigExit


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter canary contamination data.jsonl\n"
    "  kilter canary contamination data.jsonl --suites ./suites --json\n"
    "  kilter canary contamination data.jsonl --exclusions exclusions.jsonl\n"
)
@click.argument("files", nargs=-1, required=True, metavar="DATA...", type=click.Path(dir_okay=False, path_type=Path))
@suites_option
@names_option
@click.option(
    "--exclusions",
    "listed",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Look for what this list holds, instead of suites; no secret is needed.",
)
@click.option(
    "--least",
    default=LEAST,
    show_default=True,
    type=click.FloatRange(0.01, 1),
    help="Share of a prompt's runs of five words from which a record overlaps with it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the overlaps as JSON.")
@secret_option
@state_option
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    listed: Path | None,
    least: float,
    *,
    as_json: bool,
    secret_file: Path | None,
    state: str,
) -> None:
    """Looks for canaries in fine-tuning data: JSON lines of any shape, or plain text; .gz too.

    Looked for are prompts that never change, prompts that were asked, and what is the same in all prompts of
    a family, of the built-in suites and those of --suites. A record is named by its line; its text is not shown.

    Exit 1 where there is an overlap, 2 on a file that cannot be read, else 0.
    """
    salt = b""
    if listed:
        try:
            wanted, salt = read_exclusions([line for _, line in _lines(listed)])
        except ExclusionsError as error:
            raise ConfigExit(f"{listed}:{error}") from None
    else:
        loaded = suites((), folders, names)
        wanted = _traces.of_suites(loaded, rotation_secret(secret_file, state), state, coming=0)
    scan = Scan(wanted, salt, least)
    records = 0
    found: list[dict[str, Any]] = []
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("records", total=None)
        for path in files:
            for number, line in _lines(path, lambda: progress.advance(task)):
                records += 1
                found += (
                    {
                        "file": str(path),
                        "line": number,
                        "family": overlap.name,
                        "kind": overlap.kind,
                        "share": round(overlap.share, 3),
                    }
                    for overlap in scan.overlaps(texts_of_line(line))
                )
    hit = len({(overlap["file"], overlap["line"]) for overlap in found})
    if as_json:
        head = {"records": records, "contaminated": hit, "looked_for": len(wanted), "least": least}
        click.echo(json.dumps({**head, "overlaps": found}, ensure_ascii=False, indent=1))
    else:
        for overlap in found:
            place = f"{overlap['file']}:{overlap['line']}"
            click.echo(f"{place}: {overlap['share']:.0%} of {overlap['family']} ({overlap['kind']})")
        click.echo(f"{records:,} records, {hit:,} overlap with one of {len(wanted):,} texts looked for")
    raise click.exceptions.Exit(1 if found else 0)


def _lines(path: Path, seen: Callable[[], object] = lambda: None) -> Iterator[tuple[int, str]]:
    """(number, text) of the lines that are not empty. Exit 2 where the file cannot be read."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                seen()
                if raw.strip():
                    yield number, raw.decode("utf-8-sig" if number == 1 else "utf-8", errors="replace")
    except (OSError, EOFError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "damaged"
        raise ConfigExit(f"{path}: cannot be read: {reason}") from None
