"""What every subcommand asks: which suites, and by which secret."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from sidecar.canary import secret
from sidecar.canary.draws import SECRET_BYTES
from sidecar.canary.loading import SUFFIXES, LoadedSuite, SuiteError, built_in_paths, in_directory, load_all
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir
from sidecar.config_source import ConfigError
from sidecar.start import secret as installed_secret

files = click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path(dir_okay=False, path_type=Path))
suites_option = click.option(
    "--suites",
    "folders",
    multiple=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory of further suite files, taken with the built-in ones. May be repeated.",
)
names_option = click.option(
    "--suite", "names", multiple=True, metavar="NAME", help="Only the suite of this name, or a file's. May be repeated."
)
secret_option = click.option(
    "--secret-file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"Rotation secret, {SECRET_BYTES} bytes as hex; {secret.VARIABLE}, the secret or its file, wins over it. "
    "Without either one is made in the state directory.",
)
state_option = click.option(
    "--state", default="", metavar="DIR", envvar="KILTER_STATE", help="State directory: rotation secret and results."
)


def which_suites(function: Callable[..., Any]) -> Callable[..., Any]:
    """The argument and options by which suites are named."""
    return files(suites_option(names_option(function)))


def suites(paths: Sequence[Path], folders: Sequence[Path], names: Sequence[str] = ()) -> tuple[LoadedSuite, ...]:
    """The suites of FILE…, else the built-in ones and those of the folders. Exit 2 with every mistake."""
    paths = [*paths, *(Path(name) for name in names if name.endswith(SUFFIXES))]
    names = [name for name in names if not name.endswith(SUFFIXES)]
    try:
        chosen = paths or [*built_in_paths(), *(path for folder in folders for path in in_directory(folder))]
        loaded = load_all(chosen)
    except SuiteError as error:
        raise ConfigExit(str(error)) from None
    known = [suite.suite.suite for suite in loaded]
    if unknown := [name for name in names if name not in known]:
        raise ConfigExit(f"--suite: no suite named {unknown[0]}; there are {', '.join(known)}")
    return tuple(suite for suite in loaded if not names or suite.suite.suite in names)


def rotation_secret(secret_file: Path | None, state: str, environ: Mapping[str, str] = os.environ) -> bytes:
    """The 32 bytes. Exit 2 where they are not such; the text never repeats them."""
    try:
        given = secret.named(secret_file, environ)
        return given or secret.parsed(installed_secret(state_dir(state), secret.INSTALLED), secret.INSTALLED)
    except (ConfigError, secret.SecretError) as error:
        raise ConfigExit(str(error)) from None
