"""``kilter monitor``: the one verdict of a fleet of sidecars."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from sidecar import config, start
from sidecar.commands.run import ConfigExit
from sidecar.config_source import ConfigError, read_file

EPILOG = """\b
Examples:
  kilter monitor --config /etc/kilter.yaml
  KILTER_FLEET__KEY_FILE=/run/secrets/fleet kilter monitor --store redis://redis:6379 --state /var/lib/kilter
  kilter baseline promote --admin 127.0.0.1:9401

It takes the configuration of the sidecars; of `upstream` only canaries are asked. Run two: one leads, the other stands by.
Exit 2: a configuration error.
"""
_NOWHERE = "http://127.0.0.1:1"


@click.command(epilog=EPILOG)
@click.option("--store", metavar="URL", help="Redis or Valkey that the fleet shares: redis://, rediss:// or unix://.")
@click.option("--admin", metavar="ADDRESS", help="Health, metrics, the page, commands.  [default: 127.0.0.1:9401]")
@click.option("--state", metavar="DIR", help="Directory for keys, evidence and canaries.")
@click.option(
    "--config", "path", metavar="FILE", type=click.Path(path_type=Path), envvar="KILTER_CONFIG", help="YAML file."
)
def command(path: Path | None, **flags: Any) -> None:
    """Makes the verdicts of a fleet: adds up what its sidecars tell the store, and judges that."""
    try:
        start.run_monitor(_loaded(path, flags))
    except ConfigError as error:
        raise ConfigExit(str(error)) from None


def _loaded(path: Path | None, flags: dict[str, Any]) -> config.Config:
    """Without an upstream nothing but canaries would be missing."""
    named = "KILTER_UPSTREAM" in os.environ or (path is not None and "upstream" in read_file(path).values)
    given: dict[str, Any] = flags if named else {**flags, "upstream": _NOWHERE}
    found = config.load(path, os.environ, **given)
    if not found.store:
        raise ConfigError("store: is needed (--store redis://…): without one each sidecar judges its own traffic")
    if found.canary.enabled and not named:
        raise ConfigError("upstream: is needed where canary.enabled is on: it is what canaries are asked of")
    return found
