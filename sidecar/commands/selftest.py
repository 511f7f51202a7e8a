"""``kilter selftest``: would an alarm be raised, and how soon?"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.power import lasting
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir

_FAILED, _INSUFFICIENT = 1, 3
_POLL_S = 0.2


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter selftest\n"
    "  kilter selftest --json | jq '.drills[] | {behaviour, after_s, promised_s}'\n"
    "  kilter selftest --admin 127.0.0.1:9501 --state /var/lib/kilter\n"
)
@click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
@click.option(
    "--state", default="", metavar="DIR", envvar="KILTER_STATE", help="State directory of the running Kilter."
)
@click.option(
    "--limit", default=300, show_default=True, type=click.IntRange(1), metavar="SECONDS", help="Wait this long."
)
@click.option("--json", "as_json", is_flag=True, help="The outcome as JSON.")
def command(admin: str, state: str, limit: int, *, as_json: bool) -> None:
    """A fire drill in a running Kilter: drifts made on purpose, in three behaviours, and whether each is found in time.

    Requests go over sockets through a relay and a ring of the drill's own, as those of clients go through the workers', and
    from there through the monitor's stages, against its baseline and with its thresholds. They are counted apart: rates,
    verdicts and alarms of live traffic stay as they are, and nothing is sent to the model server. Each drill says which alert
    would have fired, after how much time at the baseline's pace, and what `kilter power` promises. The outcome is a record
    of the evidence log, and the time of the last success the metric kilter_selftest_last_success_timestamp_seconds.

    Exit 0: every drill fired in time; 1: one did not, or exchanges did not get through; 2: nothing answers, or it took longer
    than --limit; 3: no baseline, or none of the three can be shown by it.
    """
    client = AdminClient(admin, state_dir(state))
    try:
        client.put("/api/v1/selftest", {})
        outcome = _waited(client, limit)
    except AdminError as error:
        if ": 409: " in str(error):
            click.echo(str(error), err=True)
            raise click.exceptions.Exit(_INSUFFICIENT) from None
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps(outcome, indent=2))
    elif not outcome.get("error"):
        _say(outcome)
    if outcome.get("error"):
        click.echo(f"NOT PASSED: {outcome['error']}", err=True)
        raise click.exceptions.Exit(_FAILED)
    if not outcome["drills"]:
        raise click.exceptions.Exit(_INSUFFICIENT)
    if not outcome["passed"]:
        raise click.exceptions.Exit(_FAILED)


def _waited(client: AdminClient, limit: int) -> dict[str, Any]:
    deadline = time.monotonic() + limit
    while True:
        told = json.loads(client.get("/api/v1/selftest"))
        if told["outcome"] is not None:
            outcome: dict[str, Any] = told["outcome"]
            return outcome
        if time.monotonic() > deadline:
            raise AdminError(f"{client.address}: no outcome after {limit} s (--limit waits longer)")
        time.sleep(_POLL_S)


def _say(outcome: dict[str, Any]) -> None:
    table = Table("behaviour", "stratum", "from", "to", "alert", "fired after", "promised within")
    for drill in outcome["drills"]:
        table.add_row(
            drill["behaviour"],
            drill["stratum"],
            f"{100 * drill['rate']:.1f} %",
            f"{100 * (drill['rate'] + drill['shift']):.1f} %",
            drill["alert"],
            lasting(drill["after_s"]) if drill["fired"] else "not in time",
            lasting(drill["promised_s"]),
        )
    Console(width=None if sys.stdout.isatty() else 140).print(table, markup=False)
    for name in outcome["not_drilled"]:
        click.echo(f"not drilled: {name}: the baseline has no stratum that could show it")
    click.echo(
        f"{'passed' if outcome['passed'] else 'NOT PASSED'}: baseline {outcome['baseline']}, {outcome['seconds']:.1f} s"
    )
