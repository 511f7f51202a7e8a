"""``kilter canary exclusions``: hashes by which canaries can be kept out of training data."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from sidecar.canary.contamination import exclusions
from sidecar.commands.canary import _traces
from sidecar.commands.canary._suites import rotation_secret, secret_option, state_option, suites, which_suites

_SALT_BYTES = 16


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter canary exclusions > exclusions.jsonl\n"
    "  kilter canary contamination data.jsonl --exclusions exclusions.jsonl\n"
)
@which_suites
@click.option(
    "--coming", default=4, show_default=True, type=click.IntRange(0, 200), help="Epochs after this one, to be covered."
)
@secret_option
@state_option
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    coming: int,
    secret_file: Path | None,
    state: str,
) -> None:
    """Prints salted hashes of the canaries' runs of five words, as JSON lines; no text and no name.

    Who has the data finds with them what to leave out, without the suites or the secret. Common words can
    be guessed from their hashes: give the list to whom you trust, and not to the model's vendor.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    secret = rotation_secret(secret_file, state)
    wanted = _traces.of_suites(suites(files, folders, names), secret, state, coming=coming, salt=salt)
    for line in exclusions(wanted, salt):
        click.echo(line)
