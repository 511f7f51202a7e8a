"""``kilter evidence``: is the log of what was watched as it was written, and copies of it for others."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from sidecar.config import state_dir
from sidecar.evidence import retention
from sidecar.evidence.chain import Head
from sidecar.evidence.export import export as write_archive
from sidecar.evidence.log import EvidenceLog, LogInUseError
from sidecar.evidence.segments import segments
from sidecar.evidence.verify import Verdict
from sidecar.evidence.verify import verify as read_through

_INSUFFICIENT = 3
_SHOWN = 5


class UnusableError(click.ClickException):
    """Something named on the command line cannot be used."""

    exit_code = 2


@click.group(
    epilog="\b\nExamples:\n"
    "  kilter evidence verify\n"
    "  kilter evidence verify /mnt/copy/evidence --key evidence_key --head 8112:5d…\n"
    "  kilter evidence export -o evidence.tar.gz\n"
    '  kilter evidence freeze --reason "incident 2026-11"\n'
)
def command() -> None:
    """The hash-chained log of what was watched, found and done.

    Exit 0: consistent; 1: broken; 2: cannot be read; 3: there is no log yet.
    """


def log_options(function: Callable[..., None]) -> Callable[..., None]:
    """DIRECTORY, --state and --key, which say where the log lies."""
    for option in (
        click.option("--key", "key_file", metavar="FILE", type=click.Path(path_type=Path), help="The log's key."),
        click.option(
            "--state", default="", metavar="DIR", envvar="KILTER_STATE", help="State directory of the running Kilter."
        ),
        click.argument("directory", required=False, type=click.Path(path_type=Path)),
    ):
        function = option(function)
    return function


def located(directory: Path | None, state: str, key_file: Path | None) -> tuple[Path, bytes]:
    """The log's directory and key; 3 where there is no log."""
    home = state_dir(state)
    place = directory or home / "evidence"
    if not segments(place):
        click.echo(f"{place}: no evidence log here (--state names the state directory)", err=True)
        raise click.exceptions.Exit(_INSUFFICIENT)
    path = key_file or home / "evidence_key"
    try:
        return place, bytes.fromhex(path.read_text(encoding="ascii").strip())
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror} (--key names the file with the log's key)") from None
    except ValueError:
        raise UnusableError(f"{path}: need the log's key as hexadecimal digits") from None


def _progress(count: int) -> None:
    click.echo(f"\r{count:,} records", err=True, nl=False)


def _read(place: Path, key: bytes, outside: Head | None) -> Verdict:
    shown = sys.stderr.isatty()
    try:
        found = read_through(place, key, outside, _progress if shown else None)
    except OSError as error:
        raise UnusableError(f"{error.filename or place}: {error.strerror}") from None
    if shown:
        click.echo("\r\x1b[K", err=True, nl=False)
    return found


def _head(_: click.Context, __: click.Parameter, value: str | None) -> Head | None:
    if value is None:
        return None
    try:
        return Head.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


head_option = click.option(
    "--head", "outside", metavar="NUMBER:SEAL", callback=_head, help="A head that was kept elsewhere."
)


@command.command()
@log_options
@head_option
@click.option("--json", "as_json", is_flag=True, help="The result as JSON.")
def verify(directory: Path | None, state: str, key_file: Path | None, outside: Head | None, *, as_json: bool) -> None:
    """Reads the whole log and names the first record that is not as it was written."""
    place, key = located(directory, state, key_file)
    found = _read(place, key, outside)
    if as_json:
        said: dict[str, Any] = {**asdict(found), "head": str(found.head), "consistent": found.broken is None}
        click.echo(json.dumps(said, indent=2))
    elif found.broken is None:
        _say(found)
    if found.broken is not None:
        if not as_json:
            click.echo(f"broken at record {found.broken_seq}: {found.broken}", err=True)
        raise click.exceptions.Exit(1)


def _say(found: Verdict) -> None:
    click.echo(f"consistent: {found.records:,} records, {found.first_at} to {found.last_at}")
    click.echo(f"head {found.head}")
    if found.unaltered_through:
        click.echo(f"unaltered up to record {found.unaltered_through} of {found.unaltered_until}, by the given head")
    else:
        click.echo("whether records are missing at the end shows only against a head that was kept elsewhere (--head)")
    if found.torn_bytes:
        click.echo(
            f"behind it stand {found.torn_bytes} bytes of a record that is being written, or that a crash cut short; "
            "the next start says so"
        )
    if found.erased:
        click.echo(f"{found.erased} payloads were erased, and records say so")
    if found.missing:
        shown = ", ".join(map(str, found.missing[:_SHOWN])) + (" …" if len(found.missing) > _SHOWN else "")
        click.echo(f"{len(found.missing)} payloads are missing and no record says why: {shown}")


@command.command()
@log_options
@click.option("-o", "--output", required=True, metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--payloads", "with_payloads", is_flag=True, help="With the payloads, which can hold text.")
def export(directory: Path | None, state: str, key_file: Path | None, output: Path, *, with_payloads: bool) -> None:
    """Writes the log, what verification says of it and how to verify it into one .tar.gz; the key stays here."""
    place, key = located(directory, state, key_file)
    found = _read(place, key, None)
    try:
        write_archive(place, found, output, with_payloads=with_payloads)
    except FileExistsError:
        raise UnusableError(f"{output}: is there already") from None
    except OSError as error:
        raise UnusableError(f"{output}: {error.strerror}") from None
    click.echo(f"{output}: {found.records:,} records, head {found.head}")
    if found.broken is not None:
        click.echo(f"broken at record {found.broken_seq}: {found.broken}", err=True)
        raise click.exceptions.Exit(1)


@command.command()
@log_options
@click.option("--reason", required=True, help="Kept in the log.")
def freeze(directory: Path | None, state: str, key_file: Path | None, reason: str) -> None:
    """From now on nothing is removed from the log, neither old segments nor payloads."""
    place, key = located(directory, state, key_file)
    try:
        retention.freeze(place, reason)
        try:
            log = EvidenceLog(place, key, time.time())
        except LogInUseError:
            click.echo(f"{place}: frozen; the running Kilter records it within the hour")
            return
        log.append("freeze", {"reason": reason}, time.time())
        log.close(time.time())
    except OSError as error:
        raise UnusableError(f"{place}: {error.strerror}") from None
    click.echo(f"{place}: frozen")


@command.command()
@log_options
@click.option("--record", "numbers", required=True, multiple=True, type=click.IntRange(1), help="Number of a record.")
@click.option("--reason", required=True, help="Kept in the log.")
def erase(directory: Path | None, state: str, key_file: Path | None, numbers: tuple[int, ...], reason: str) -> None:
    """Erases the payloads of records, for good; the chain stays whole and says so. Kilter must not be running."""
    place, key = located(directory, state, key_file)
    try:
        log = EvidenceLog(place, key, time.time())
        try:
            erased = retention.erase(log, numbers, reason, time.time())
        finally:
            log.close(time.time())
    except (LogInUseError, retention.FrozenError) as error:
        raise UnusableError(str(error)) from None
    except OSError as error:
        raise UnusableError(f"{place}: {error.strerror}") from None
    click.echo(f"erased the payloads of {len(erased)} of {len(numbers)} records")
