"""``kilter run``: the sidecar itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from sidecar import config, start
from sidecar.config_source import ConfigError

EPILOG = """\b
Examples:
  kilter run --upstream http://127.0.0.1:8000
  kilter run --config /etc/kilter.yaml --workers 2
  KILTER_UPSTREAM=https://api.openai.com kilter run --sample 0.2

Every key of the configuration can also be given as KILTER_SECTION__KEY.
SIGTERM drains, a second one hurries. SIGHUP reads the configuration anew for the monitor. Exit 2: a configuration error.
"""


@click.command(epilog=EPILOG)
@click.option("--upstream", metavar="URL", help="The model server: http://, https:// or unix:.")
@click.option("--listen", metavar="ADDRESS", help="Where clients connect.  [default: 127.0.0.1:9400]")
@click.option("--admin", metavar="ADDRESS", help="Health, metrics and the page.  [default: 127.0.0.1:9401]")
@click.option("--state", metavar="DIR", help="Directory for keys and state.")
@click.option(
    "--config", "path", metavar="FILE", type=click.Path(path_type=Path), envvar="KILTER_CONFIG", help="YAML file."
)
@click.option("--sample", type=float, help="Share of conversations that is looked at.  [default: 1.0]")
@click.option("--workers", type=int, metavar="N", help="Gateway processes.  [default: 1]")
def command(path: Path | None, **flags: Any) -> None:
    """Passes traffic on to a model server and watches how it behaves."""
    try:
        start.run(config.load(path, **flags), lambda: config.load(path, **flags))
    except ConfigError as error:
        raise ConfigExit(str(error)) from None


class ConfigExit(click.ClickException):
    """Prints the mistakes, one a line, and leaves with 2."""

    exit_code = 2
