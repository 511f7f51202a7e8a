"""``kilter canary render``: the prompts of an epoch, before or after they are asked."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sidecar.canary import printed
from sidecar.canary.arithmetic import ExpressionError
from sidecar.canary.case import Case
from sidecar.canary.draws import secret_id
from sidecar.canary.generate import render
from sidecar.commands.canary._suites import rotation_secret, secret_option, state_option, suites, which_suites
from sidecar.commands.run import ConfigExit


@click.command(
    epilog="\b\nExamples:\n  kilter canary render --epoch 2931\n"
    "  kilter canary render --epoch 2931 --suite facts_medical | jq -r .prompt\n"
)
@which_suites
@click.option("--epoch", required=True, type=click.IntRange(0), help="Which epoch: a whole number.")
@click.option("--draw", default=0, show_default=True, type=click.IntRange(0), help="Draws used up before in the epoch.")
@click.option("--frozen", is_flag=True, help="Also the anchors and fingerprints, which never change.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a line a prompt.")
@secret_option
@state_option
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    epoch: int,
    draw: int,
    *,
    frozen: bool,
    as_json: bool,
    secret_file: Path | None,
    state: str,
) -> None:
    """Prints the prompts of an epoch, one JSON line each.

    The same secret and epoch give the same bytes, anywhere; another epoch gives other prompts. Families
    that the secret keeps back in this epoch are left out.
    """
    secret = rotation_secret(secret_file, state)
    cases: list[Case] = []
    for suite in suites(files, folders, names):
        try:
            cases += printed.shown(render(suite, secret, epoch, frozen=frozen, shift=draw))
        except (ExpressionError, ValueError) as error:
            raise ConfigExit(f"{suite.shown}: {error}") from None
    if as_json:
        prompts = [printed.document(case) for case in cases]
        document = {"epoch": epoch, "draw": draw, "secret_id": secret_id(secret), "prompts": prompts}
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    for line in printed.lines(cases):
        click.echo(line)
