# ruff: noqa: N999 - the file is named as the subcommand is
"""``kilter canary import``: a published benchmark, or another tool's file, as a suite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sidecar.canary.importers.base import Imported, imported, importers
from sidecar.canary.importers.original import ImportMistake
from sidecar.canary.importers.writing import write
from sidecar.commands.run import ConfigExit

_SHOWN = 5
"""Lines named with each reason for which rows were passed over."""


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter canary import --format xstest xstest_prompts.csv -o suites/xstest.yaml\n"
    "  kilter canary import --format multijail MultiJail.csv -o suites/multijail.yaml --json\n"
)
@click.argument("file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--format", "name", required=True, type=click.Choice(sorted(importers())), help="What the file is, or who made it."
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The suite to write: JSON lines where it ends in .jsonl, else YAML.",
)
@click.option(
    "--name", "suite", default="", metavar="NAME", help="The suite's name, where two files of a format are imported."
)
@click.option("--json", "as_json", is_flag=True, help="Print what was taken as JSON.")
def command(file: Path, name: str, output: Path, suite: str, *, as_json: bool) -> None:
    """Writes a suite from FILE, which others have published.

    The suite is marked public: models may have been trained on its text, so its results are reported apart
    and never decide. Nothing that FILE names is followed. Rows that are not taken are counted with their reason.

    Exit 2 where FILE is not of the format or nothing of it can be asked; nothing is written then.
    """
    try:
        found = imported(importers()[name], file, suite or name)
        write(found.document, output)
    except ImportMistake as error:
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps(_summary(found, file, output), indent=1, ensure_ascii=False))
        return
    families = len(found.document["families"])
    click.echo(f"{output}: {found.taken} of {found.rows} rows in {families} families, marked public")
    for reason, count in found.reasons.items():
        lines = [str(passed.line) for passed in found.passed if passed.reason == reason]
        more = ", …" if len(lines) > _SHOWN else ""
        click.echo(f"passed over {count}: {reason} (line {', '.join(lines[:_SHOWN])}{more})")


def _summary(found: Imported, file: Path, output: Path) -> dict[str, Any]:
    return {
        "suite": found.document["suite"],
        "file": str(file),
        "sha256": found.sha256,
        "output": str(output),
        "public": True,
        "families": len(found.document["families"]),
        "rows": found.rows,
        "imported": found.taken,
        "skipped": found.reasons,
        "skipped_lines": [{"line": passed.line, "reason": passed.reason} for passed in found.passed],
    }
