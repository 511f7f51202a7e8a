"""``kilter canary history``: what comparisons said, over time."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sys

import click
from rich.console import Console
from rich.table import Table

from sidecar.canary.results import Results, StoreError
from sidecar.commands.canary._suites import state_option
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir


@click.command(
    epilog="\b\nExamples:\n  kilter canary history --axis delta\n"
    "  kilter canary history --axis delta --category adversarial --json | jq .[].points\n"
)
@click.option(
    "--axis", default="delta", show_default=True, type=click.Choice(["delta"]), help="What: drops from model to model."
)
@click.option("--category", default="", metavar="NAME", help="Only this category.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@state_option
def command(axis: str, category: str, state: str, *, as_json: bool) -> None:  # noqa: ARG001  # one axis so far
    """Shows every comparison that `kilter canary compare` made on this state directory, and every one that a running Kilter made
    of its own when the model changed, oldest first.

    Exit 3 where there is none.
    """
    path = state_dir(state) / "canary.db"
    try:
        with Results(path) as results:
            found = [one for one in results.comparisons() if category in ("", one.category)]
    except StoreError as error:
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found], ensure_ascii=False, indent=1))
    else:
        console = Console(width=None if sys.stdout.isatty() else 160)
        table = Table("when (UTC)", "A", "B", "category", "A passed", "B passed", "drop, points (95 %)", "verdict")
        for one in found:
            when = dt.datetime.fromtimestamp(one.at_s, dt.UTC).strftime("%Y-%m-%d %H:%M")
            drop = f"{one.points:.1f} ({one.low:.1f} to {one.high:.1f})"
            passed = (f"{one.passed_a} of {one.units}", f"{one.passed_b} of {one.units}")
            table.add_row(when, one.a, one.b, one.category, *passed, drop, one.verdict)
        console.print(table, markup=False)
    raise click.exceptions.Exit(0 if found else 3)
