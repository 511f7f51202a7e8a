"""``kilter baseline``: what is usual, and who says so."""

from __future__ import annotations

import json
import math
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir
from sidecar.store.baseline_file import parsed

EPILOG = """\b
Examples:
  kilter baseline list
  kilter baseline promote
  kilter baseline export latest > baseline.json
  kilter baseline import baseline.json --admin 127.0.0.1:9501 --state /var/lib/kilter
"""


class TooLittleExit(click.ClickException):
    """Prints what is missing, and leaves with 3."""

    exit_code = 3


_admin = click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
_state = click.option(
    "--state", default="", metavar="DIR", envvar="KILTER_STATE", help="State directory of the running Kilter."
)


@click.group(epilog=EPILOG)
def command() -> None:
    """Lists, learns, promotes and carries about baselines of a running Kilter.

    Kilter learns what is usual and judges nothing until you promote it. While a baseline is in use, `learn`
    collects the next one beside it; nothing is ever adopted by itself. Exit 2 when nothing answers, 3 when too
    little was learned.
    """


@command.command("list", epilog="\b\nExamples:\n  kilter baseline list --json\n")
@_admin
@click.option("--json", "as_json", is_flag=True, help="Print the document instead of a table.")
def list_(admin: str, *, as_json: bool) -> None:
    """Shows the baseline in use, those before it, and how far the next one is."""
    document = _got(admin, "/api/v1/baselines")
    if as_json:
        click.echo(json.dumps(document, indent=2))
        return
    console = Console()
    console.print(_said(document), markup=False, highlight=False, soft_wrap=True)
    if document["baselines"]:
        table = Table("id", "promoted", "days", "strata", "models", "")
        for one in document["baselines"]:
            used = "in use" if one["id"] == document["in_use"] else ""
            table.add_row(
                one["id"],
                _clock(one["promoted_at_s"]),
                str(one["days"]),
                str(one["strata"]),
                ", ".join(one["models"]),
                used,
            )
        console.print(table)


@command.command(epilog="\b\nExamples:\n  kilter baseline show\n  kilter baseline show 3f9a0c1d2e4b\n")
@click.argument("id_", metavar="[ID]", default="latest")
@_admin
def show(id_: str, admin: str) -> None:
    """Shows what a baseline expects of every stratum, how noisy its days were, and the margin that this asks for."""
    baseline = parsed(_text(admin, f"/api/v1/baselines/{id_}"))
    console = Console()
    console.print(
        f"{baseline.id}: {baseline.days} days, {baseline.ticks} ticks of {baseline.tick_s:g} s, until "
        f"{_clock(baseline.collected_to_s)}; promoted {_clock(baseline.promoted_at_s)}; classifier {baseline.classifier}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    table = Table(title="Within the margin, an odds ratio, a rate is no drift", title_justify="left")
    for name in ("behaviour", "stratum", "model", "rate", "n", "users", "days' sd", "margin"):
        table.add_column(
            name,
            justify="left" if name in {"behaviour", "stratum", "model"} else "right",
            no_wrap=name in {"behaviour", "stratum"},
        )
    for one in baseline.references:
        sd = f"{100 * one.between_day_sd:.1f} pt" if math.isfinite(one.between_day_sd) else "-"
        table.add_row(
            one.behaviour,
            one.stratum,
            one.model,
            f"{100 * one.rate:.1f} %",
            str(one.trials),
            f"{one.users:.0f}",
            sd,
            f"{one.odds_margin:.2f}",
        )
    console.print(table)


@command.command(epilog="\b\nExamples:\n  kilter baseline learn\n")
@_admin
@_state
def learn(admin: str, state: str) -> None:
    """Begins to collect the next baseline, from now on. The one in use goes on judging."""
    _put(admin, state, "learn", {})
    click.echo("collecting the next baseline; `kilter baseline list` says how far it is")


@command.command(epilog="\b\nExamples:\n  kilter baseline promote\n  kilter baseline promote --anyway\n")
@click.option("--anyway", is_flag=True, help="Also before it has the days and observations that were asked for.")
@_admin
@_state
def promote(admin: str, state: str, *, anyway: bool) -> None:
    """Makes what was learned the baseline that verdicts compare with. Exit 3 where too little was learned."""
    document = _put(admin, state, "promote", {"anyway": anyway})
    click.echo(f"baseline {document['in_use']} is in use")


@command.command(epilog="\b\nExamples:\n  kilter baseline export latest > baseline.json\n")
@click.argument("id_", metavar="ID", default="latest")
@_admin
def export(id_: str, admin: str) -> None:
    """Writes a baseline to standard output, with its hash: for review, a ConfigMap, or another Kilter."""
    sys.stdout.write(_text(admin, f"/api/v1/baselines/{id_}"))


@command.command("import", epilog="\b\nExamples:\n  kilter baseline import baseline.json\n")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_admin
@_state
def import_(file: Path, admin: str, state: str) -> None:
    """Uses the baseline of an exported FILE from now on. A file that was changed since is refused."""
    try:
        text = file.read_text(encoding="utf-8")
        parsed(text)
    except (OSError, ValueError) as error:
        raise ConfigExit(f"{file}: {error}") from None
    document = _put(admin, state, "use", {"baseline": text})
    if document["unusable_because"]:
        raise ConfigExit(f"{file}: it is kept, and not used: {document['unusable_because']}")
    click.echo(f"baseline {document['in_use']} is in use")


def _said(document: dict[str, Any]) -> str:
    learning = document["learning"]
    used = {
        "none": "No baseline yet: nothing is judged.",
        "expected_missing": "A baseline is expected and there is none: nothing is judged.",
        "unusable": f"The baseline cannot be used: {document['unusable_because']}. Nothing is judged.",
    }.get(document["state"], f"Baseline {document['in_use']} is in use.")
    if not learning:
        return f"{used} The next one is not being collected (`kilter baseline learn`)."
    ready = "ready: `kilter baseline promote`" if learning["ready"] else "not ready"
    return (
        f"{used} Learned: {learning['trials']} of {learning['trials_wanted']} observations in the largest stratum, "
        f"{learning['days']} of {learning['days_wanted']} days: {ready}."
    )


def _clock(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _got(admin: str, path: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_text(admin, path))
    return document


def _text(admin: str, path: str) -> str:
    try:
        return AdminClient(admin, state_dir("")).get(path).decode()
    except AdminError as error:
        raise ConfigExit(str(error)) from None


def _put(admin: str, state: str, what: str, content: dict[str, Any]) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(
            AdminClient(admin, state_dir(state)).put(f"/api/v1/baselines/{what}", content)
        )
    except AdminError as error:
        raise (TooLittleExit if " 409: " in str(error) else ConfigExit)(str(error)) from None
    return document
