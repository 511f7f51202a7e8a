"""``kilter check``: is this configuration right?"""

from __future__ import annotations

import json
from pathlib import Path

import click

from sidecar import config
from sidecar.commands.run import ConfigExit
from sidecar.config_source import ConfigError


@click.command(epilog="\b\nExamples:\n  kilter check kilter.yaml\n  kilter check --json kilter.yaml | jq .timeouts\n")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the whole tree with defaults filled in.")
def command(file: Path, *, as_json: bool) -> None:
    """Checks FILE, with the environment on top, as `kilter run --config FILE` would.

    Exit 2 and one line a mistake (file, line, key, what is needed) when it does not hold.
    """
    try:
        loaded = config.load(file)
    except ConfigError as error:
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps(loaded.model_dump(mode="json"), indent=2))
    else:
        click.echo(f"{file}: fine. Upstream {loaded.upstream}, clients at {loaded.listen}, admin at {loaded.admin}.")
