"""``kilter canary``: one file a subcommand, each with one click command named ``command``."""

from __future__ import annotations

import importlib
import pkgutil

import click


class _Subcommands(click.Group):
    """Imports a subcommand only when it is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"{__name__}.{cmd_name}").command
        return found if isinstance(found, click.Command) else None


@click.command(
    cls=_Subcommands,
    epilog="\b\nExamples:\n"
    "  kilter canary list\n"
    "  kilter canary lint my-suite.yaml\n"
    "  kilter canary render --epoch 2931 > prompts.jsonl\n"
    "  kilter canary run --now --suite policy_proxy --upstream http://127.0.0.1:8000 --junit canaries.xml\n"
    "  kilter canary compare --a base --b tuned --upstream http://127.0.0.1:8000\n",
)
def command() -> None:
    """Questions of Kilter's own to the model: what they are, what they say, what it answers."""
