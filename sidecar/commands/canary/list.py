"""``kilter canary list``: which suites there are, and what each asks."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sidecar.canary.loading import LoadedSuite
from sidecar.commands.canary._suites import suites, which_suites


@click.command(
    epilog="\b\nExamples:\n  kilter canary list\n  kilter canary list --json | jq '.[] | {suite, families}'\n"
    "  kilter canary list my-suite.yaml\n"
)
@which_suites
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
def command(files: tuple[Path, ...], folders: tuple[Path, ...], names: tuple[str, ...], *, as_json: bool) -> None:
    """Lists suites: those named, else the built-in ones and those of --suites."""
    rows = [summary(suite) for suite in suites(files, folders, names)]
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table("suite", "groups", "families", "languages", "translation", "what it asks", "what it does not measure")
    for row in rows:
        table.add_row(
            row["suite"],
            ", ".join(row["groups"]),
            str(row["families"]),
            ", ".join(row["languages"]),
            ", ".join(f"{status} {count}" for status, count in row["translation"].items()),
            row["description"],
            row["not_measured"],
        )
    # A pipe has no width to fit: nothing may be cut there.
    Console(width=None if sys.stdout.isatty() else 200).print(table, markup=False)


def summary(loaded: LoadedSuite) -> dict[str, Any]:
    """One suite in figures. ``translation`` counts wordings by how they came about."""
    suite = loaded.suite
    wordings = [
        (language, wording)
        for family in suite.families
        for prompts in (family.prompts, *(twin.prompts for twin in (family.twin, family.direct) if twin))
        for language, wording in prompts.items()
    ]
    groups = {family.group or "other" for family in suite.families}
    groups |= {family.twin.group or "overrefusal" for family in suite.families if family.twin}
    languages = {language for language, _ in wordings} | {f.language for f in suite.families if not f.prompts}
    return {
        "suite": suite.suite,
        "description": suite.description,
        "not_measured": suite.not_measured,
        "licence": suite.licence,
        "built_in": loaded.built_in,
        "public": suite.public,
        "groups": sorted(groups),
        "families": len(suite.families),
        "family_ids": [family.id for family in suite.families],
        "kinds": dict(sorted(Counter(family.kind or "single" for family in suite.families).items())),
        "attacks": dict(sorted(Counter(family.attack or "none" for family in suite.families).items())),
        "languages": sorted(languages),
        "translation": dict(sorted(Counter(wording.status or "source" for _, wording in wordings).items())),
        "reviewed_at": suite.reviewed_at,
        "thresholds": suite.thresholds,
    }
