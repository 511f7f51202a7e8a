"""``kilter samples``: reads what ``keep_samples`` has kept."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import click

from sidecar.commands.run import ConfigExit
from sidecar.store.samples import SampleError, sample_key, samples

_NONE_FOUND = 3


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter samples --dir /var/lib/kilter-samples --key-file key chatcmpl-123\n"
    "  kilter samples --dir /var/lib/kilter-samples --key-file key | jq -r '.output[].text'\n"
)
@click.argument("response_ids", nargs=-1, metavar="[RESPONSE_ID]...")
@click.option(
    "--dir",
    "directory",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="`keep_samples.dir`.",
)
@click.option("--key-file", required=True, metavar="FILE", help="`keep_samples.key_file`.")
def command(response_ids: tuple[str, ...], directory: Path, key_file: str) -> None:
    """Prints kept exchanges as JSON, one a line, oldest first: all, or those whose response ids an alarm lists.

    Exit 2 when the key is not the one they were kept under, or something was changed; 3 when none was found.
    """
    if importlib.util.find_spec("cryptography") is None:
        raise ConfigExit("need the extra: pip install 'kilter[samples]'")
    wanted, found = set(response_ids), False
    try:
        for raw in samples(directory, sample_key(key_file)):
            if not wanted or json.loads(raw)["response_id"] in wanted:
                found = True
                click.echo(raw)  # ASCII: whatever a model wrote cannot steer a terminal
    except SampleError as error:
        raise ConfigExit(str(error)) from None
    if not found:
        click.echo("none is kept" if not wanted else "none of these is kept (any more)", err=True)
        raise SystemExit(_NONE_FOUND)
