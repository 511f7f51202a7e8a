"""``kilter canary render``: the prompts of an epoch, before or after they are asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from sidecar.canary.arithmetic import ExpressionError
from sidecar.canary.case import Case
from sidecar.canary.conversation import Assistant, Result, User
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
@click.option("--frozen", is_flag=True, help="Also the anchors and fingerprints, which never change.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of a line a prompt.")
@secret_option
@state_option
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    epoch: int,
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
    lines: list[dict[str, Any]] = []
    for suite in suites(files, folders, names):
        try:
            cases = render(suite, secret, epoch, frozen=frozen)
        except (ExpressionError, ValueError) as error:
            raise ConfigExit(f"{suite.shown}: {error}") from None
        lines += (line(case) for case in cases if case.retired != "held_out")
    if as_json:
        document = {"epoch": epoch, "secret_id": secret_id(secret), "prompts": lines}
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    for shown in lines:
        click.echo(json.dumps(shown, ensure_ascii=False))


def line(case: Case) -> dict[str, Any]:
    """A case as printed: everything that is sent."""
    return {
        "id": case.id,
        "suite": case.suite,
        "family": case.family,
        "variant": case.variant,
        "group": case.group,
        "kind": case.kind,
        "language": case.language,
        "translation": case.translation,
        "epoch": case.epoch,
        "index": case.index,
        "wrapper": case.wrapper,
        "system": case.system,
        "messages": [_message(message) for message in case.script],
        "prompt": case.prompt,
        "tools": [tool.name for tool in case.tools],
        "truth": case.truth,
    }


def _message(message: User | Assistant | Result) -> dict[str, Any]:
    if isinstance(message, User):
        shown: dict[str, Any] = {"role": "user", "content": message.text}
        return {**shown, "images": [Path(image).name for image in message.images]} if message.images else shown
    if isinstance(message, Result):
        return {"role": "tool", "name": message.name, "content": message.content}
    calls = [{"name": call.name, "arguments": call.arguments} for call in message.calls]
    return {"role": "assistant", "content": message.text, **({"tool_calls": calls} if calls else {})}
