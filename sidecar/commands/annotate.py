"""``kilter annotate``: what an operator knows and traffic does not tell."""

from __future__ import annotations

import click

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir


@click.command(epilog='\b\nExamples:\n  kilter annotate "new system prompt in the shop"\n')
@click.argument("text")
@click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
@click.option(
    "--state", default="", metavar="DIR", envvar="KILTER_STATE", help="State directory of the running Kilter."
)
def command(text: str, admin: str, state: str) -> None:
    """Keeps TEXT with the time in the state of a running Kilter: a deployment, a new prompt, a campaign.

    Exit 2 when nothing answers, or the text is longer than 1000 characters.
    """
    try:
        AdminClient(admin, state_dir(state)).put("/api/v1/annotations", {"text": text})
    except AdminError as error:
        raise ConfigExit(str(error)) from None
    click.echo("kept")
