"""``kilter status``: what is known now, on a terminal."""

from __future__ import annotations

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir

QUIET = ("in_control", "warming_up", "undetectable", "no_user_key", "too_few_users", "no_baseline")
"""States of which only the number is shown."""


@click.command(epilog="\b\nExamples:\n  kilter status\n  kilter status --admin 127.0.0.1:9501 --json | jq .traffic\n")
@click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
@click.option("--json", "as_json", is_flag=True, help="Print the document instead of tables.")
def command(admin: str, *, as_json: bool) -> None:
    """Shows traffic, answers and every watched behaviour of a running Kilter.

    Exit 2 when nothing answers at the admin address, or the monitor is down.
    """
    try:
        document = json.loads(AdminClient(admin, state_dir("")).get("/api/v1/status"))
    except AdminError as error:
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show(document, Console())


def show(document: dict[str, Any], console: Console) -> None:
    """The document as tables."""
    traffic, copies = document["traffic"], document["copies"]
    state = "watching" if document["observing"] else "paused: traffic passes, nothing is looked at"
    console.print(
        f"Kilter {document['version']} in front of {document['upstream']}: {state}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    console.print(
        f"{traffic['requests']:,} requests, {traffic['inflight']} in flight, {traffic['upstream_errors']} upstream errors, "
        f"{traffic['rejected']} refused by Kilter; {copies['read']:,} exchanges looked at, "
        f"{100 * copies['inclusion_probability']:.0f} % of conversations included, "
        f"{copies['dropped'] + copies['lost']} copies dropped or lost",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if document["labels"]:
        table = Table(
            "model", *(name.replace("_", " ") for name in document["label_names"]), title="What the answers are"
        )
        for model, counts in document["labels"].items():
            table.add_row(model, *(str(counts.get(name, 0)) for name in document["label_names"]))
        console.print(table)
    for behaviour in document["behaviours"]:
        if behaviour["strata"]:
            console.print(_strata(behaviour, document["window_s"]))
    console.print(_judged(document))


def _judged(document: dict[str, Any]) -> Table | str:
    """Verdicts, those that ask for attention first; a sentence where nothing is judged."""
    baseline = document["baseline"]
    if not baseline.get("in_use") or baseline["unusable_because"]:
        return "A rate alone is no alarm: there is no baseline to compare with, so nothing is judged."
    table = Table(title=f"Is the behaviour in control? (baseline {baseline['in_use']})", title_justify="left")
    table.add_column("state", no_wrap=True)
    table.add_column("what and by how much")
    states = [verdict["state"] for verdict in document["verdicts"]]
    acknowledged = {_series(alarm["verdict"]) for alarm in document["alarms"] if alarm["acknowledged"]}
    for verdict in document["verdicts"]:
        if verdict["state"] not in QUIET:
            seen = verdict["state"] == "out_of_control" and _series(verdict) in acknowledged
            table.add_row(verdict["state"].replace("_", " ") + ", acknowledged" * seen, verdict["explanation"])
    quiet = [f"{states.count(state)} {state.replace('_', ' ')}" for state in QUIET if state in states]
    table.add_row("others", ", ".join(quiet))
    return table


def _series(verdict: dict[str, Any]) -> tuple[str, str, str, float | None]:
    """A stratum and the change that its alarm, if any, is about."""
    return verdict["behaviour"], verdict["stratum"], verdict["model"], verdict["changed_at_s"]


def _strata(behaviour: dict[str, Any], window_s: float) -> Table:
    table = Table(
        title=f"{behaviour['question']}  ({behaviour['name']}, last {window_s / 60:.0f} min)", title_justify="left"
    )
    for name, side in (
        ("model", "left"),
        ("stratum", "left"),
        ("rate", "right"),
        ("95 % interval", "right"),
        ("n", "right"),
    ):
        table.add_column(name, justify="right" if side == "right" else "left", no_wrap=name in {"stratum", "rate"})
    for row in behaviour["strata"]:
        interval = f"{100 * row['interval_low']:.1f} to {100 * row['interval_high']:.1f} %"
        table.add_row(row["model"], row["stratum"], f"{100 * row['rate']:.1f} %", interval, str(row["n"]))
    return table
