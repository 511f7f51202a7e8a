"""``kilter status``: what is known now, on a terminal."""

from __future__ import annotations

import json
import time
from typing import Any

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir

QUIET = ("in_control", "warming_up", "undetectable", "no_user_key", "too_few_users", "no_baseline")
"""States of which only the number is shown."""


@click.command(
    epilog="\b\nExamples:\n  kilter status\n  kilter status --watch\n  kilter status --admin 127.0.0.1:9501 --json | jq .traffic\n"
)
@click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
@click.option("--json", "as_json", is_flag=True, help="Print the document instead of tables.")
@click.option("--watch", is_flag=True, help="Show it again and again, until Ctrl-C.")
@click.option(
    "--every", default=5.0, show_default=True, type=click.FloatRange(min=0.2), metavar="SECONDS", help="With --watch."
)
def command(admin: str, *, as_json: bool, watch: bool, every: float) -> None:
    """Shows traffic, answers and every watched behaviour of a running Kilter.

    Exit 2 when nothing answers at the admin address, or the monitor is down; with --watch this is shown, and it goes on.
    With --watch and --json a document is a line.
    """
    client = AdminClient(admin, state_dir(""))
    if watch:
        _watch(client, every, as_json=as_json)
        return
    try:
        document = json.loads(client.get("/api/v1/status"))
    except AdminError as error:
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps(document, indent=2))
    else:
        show(document, Console())


def _watch(client: AdminClient, every_s: float, *, as_json: bool) -> None:
    """Until Ctrl-C, which is no error. Not on a terminal: one picture after the other."""
    console = Console()
    try:
        if as_json or not console.is_terminal:
            while True:
                answer = _asked(client)
                if as_json:
                    click.echo(json.dumps(answer if isinstance(answer, dict) else {"error": answer}))
                else:
                    console.print(_picture(answer))
                time.sleep(every_s)
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(_picture(_asked(client)), refresh=True)
                time.sleep(every_s)
    except KeyboardInterrupt:
        return


def _asked(client: AdminClient) -> dict[str, Any] | str:
    """The document, or why there is none."""
    try:
        found: dict[str, Any] = json.loads(client.get("/api/v1/status"))
    except AdminError as error:
        return str(error)
    return found


def _picture(answer: dict[str, Any] | str) -> RenderableType:
    at = time.strftime("%H:%M:%S")
    if isinstance(answer, str):
        return Text(f"{at}  {answer}", style="bold red")
    return Group(Text(f"{at}  Ctrl-C ends", style="dim"), *parts(answer, attention_first=True))


def show(document: dict[str, Any], console: Console) -> None:
    """The document as tables."""
    for part in parts(document, attention_first=False):
        console.print(part, markup=False, highlight=False, soft_wrap=isinstance(part, Text))


def parts(document: dict[str, Any], *, attention_first: bool) -> list[Text | Table]:
    """Text, not markup: names come from traffic. A terminal shows the end of what scrolls, and the beginning of a picture."""
    traffic, copies = document["traffic"], document["copies"]
    state = "watching" if document["observing"] else "paused: traffic passes, nothing is looked at"
    head: list[Text | Table] = [
        Text(f"Kilter {document['version']} in front of {document['upstream']}: {state}"),
        Text(
            f"{traffic['requests']:,} requests, {traffic['inflight']} in flight, {traffic['upstream_errors']} upstream errors, "
            f"{traffic['rejected']} refused by Kilter; {copies['read']:,} exchanges looked at, "
            f"{100 * copies['inclusion_probability']:.0f} % of conversations included, "
            f"{copies['dropped'] + copies['lost']} copies dropped or lost"
        ),
    ]
    if said := document.get("fleet", {}).get("says"):
        head.append(Text(said))
    counted = [_strata(one, document["window_s"]) for one in document["behaviours"] if one["strata"]]
    if document["labels"]:
        counted.insert(0, _labels(document))
    return [*head, _judged(document), *counted] if attention_first else [*head, *counted, _judged(document)]


def _labels(document: dict[str, Any]) -> Table:
    table = Table("model", *(name.replace("_", " ") for name in document["label_names"]), title="What the answers are")
    for model, counts in document["labels"].items():
        table.add_row(Text(model), *(str(counts.get(name, 0)) for name in document["label_names"]))
    return table


def _judged(document: dict[str, Any]) -> Table | Text:
    """Verdicts, those that ask for attention first; a sentence where nothing is judged."""
    baseline = document["baseline"]
    if not baseline.get("in_use") or baseline["unusable_because"]:
        return Text("A rate alone is no alarm: there is no baseline to compare with, so nothing is judged.")
    table = Table(title=f"Is the behaviour in control? (baseline {baseline['in_use']})", title_justify="left")
    table.add_column("state", no_wrap=True)
    table.add_column("what and by how much")
    states = [verdict["state"] for verdict in document["verdicts"]]
    acknowledged = {_series(alarm["verdict"]) for alarm in document["alarms"] if alarm["acknowledged"]}
    for verdict in document["verdicts"]:
        if verdict["state"] not in QUIET:
            seen = verdict["state"] == "out_of_control" and _series(verdict) in acknowledged
            table.add_row(verdict["state"].replace("_", " ") + ", acknowledged" * seen, Text(verdict["explanation"]))
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
        table.add_row(Text(row["model"]), Text(row["stratum"]), f"{100 * row['rate']:.1f} %", interval, str(row["n"]))
    return table
