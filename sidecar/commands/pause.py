"""``kilter pause``: the kill switch of observation."""

from __future__ import annotations

import click

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir


@click.command(epilog="\b\nExamples:\n  kilter pause\n  kilter pause --admin 127.0.0.1:9501 --state /var/lib/kilter\n")
@click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
@click.option(
    "--state", default="", metavar="DIR", envvar="KILTER_STATE", help="State directory of the running Kilter."
)
def command(admin: str, state: str) -> None:
    """Stops looking at traffic, at once and without a restart. Traffic goes on untouched."""
    try:
        AdminClient(admin, state_dir(state)).put("/api/v1/observe", {"observe": False})
    except AdminError as error:
        raise ConfigExit(str(error)) from None
    click.echo("observing is paused; traffic goes on")
