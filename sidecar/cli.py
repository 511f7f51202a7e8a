"""The command ``kilter``. Each file of ``sidecar/commands`` is one subcommand, found by its name.

Exit codes: 0 fine, 1 a check failed, 2 usage or configuration error, 3 insufficient data.
"""

from __future__ import annotations

import importlib
import pkgutil

import click

from sidecar import __version__, commands

EPILOG = """\b
Examples:
  kilter run --upstream http://127.0.0.1:8000
  kilter check kilter.yaml
  kilter demo --seconds 90
"""


class Commands(click.Group):
    """Imports a subcommand only when it is named, so that ``kilter --help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Every file of the folder."""
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The ``command`` of the file of that name."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"sidecar.commands.{cmd_name}").command
        return found if isinstance(found, click.Command) else None


@click.command(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kilter")
def main() -> None:
    """Says, with a stated false-alarm budget, when a model's behaviour has moved.

    Put it in front of a model server; every byte passes unchanged.
    """
