"""``kilter canary lint``: are these suites right, and how much do they show?"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from pathlib import Path

import click

from sidecar.canary.lint import lint
from sidecar.commands.canary._suites import suites, which_suites


@click.command(
    epilog="\b\nExamples:\n  kilter canary lint\n  kilter canary lint my-suite.yaml\n"
    "  kilter canary lint --json --suites ./suites | jq .remarks\n"
)
@which_suites
@click.option("--json", "as_json", is_flag=True, help="Print the remarks as JSON.")
@click.option("--strict", is_flag=True, help="A warning fails too.")
@click.option(
    "--as-of", metavar="DATE", type=click.DateTime(["%Y-%m-%d"]), help="Judge what has expired as of this day. [today]"
)
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    *,
    as_json: bool,
    strict: bool,
    as_of: dt.datetime | None,
) -> None:
    """Checks suite files: those named, else the built-in ones and those of --suites.

    Each remark names file, line and key. Exit 2 where a file is no suite, 1 on an error (or, with
    --strict, a warning), else 0.
    """
    loaded = suites(files, folders, names)
    today = as_of.date() if as_of else dt.datetime.now(dt.UTC).date()
    remarks = lint(loaded, today, whole=not files and not names)
    errors = sum(remark.level == "error" for remark in remarks)
    warnings = len(remarks) - errors
    families = sum(len(suite.suite.families) for suite in loaded)
    if as_json:
        shown = [dataclasses.asdict(remark) for remark in remarks]
        counts = {"suites": len(loaded), "families": families, "errors": errors, "warnings": warnings}
        click.echo(json.dumps({**counts, "remarks": shown}, indent=1, ensure_ascii=False))
    else:
        for remark in remarks:
            click.echo(remark.line())
        click.echo(f"{len(loaded)} suites, {families} families: {errors} errors, {warnings} warnings")
    if errors or (strict and warnings):
        raise click.exceptions.Exit(1)
