"""``kilter replay``: recorded exchanges through the monitor's own decoding and judgement."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from detectors.records.baseline import Baseline
from detectors.records.verdict import Verdict
from sidecar import config
from sidecar.config import Config
from sidecar.config_source import ConfigError
from sidecar.export.labels import Limits
from sidecar.monitor.judging import rules
from sidecar.replay import reading
from sidecar.replay.format_check import format_check_line
from sidecar.replay.reading import Line
from sidecar.replay.recording import NotARecordError
from sidecar.replay.run import Replay
from sidecar.store import baseline_file

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0}
_ALARM, _USAGE, _INSUFFICIENT = 1, 2, 3
_WORST_FIRST = (
    "out_of_control",
    "watch",
    "recovered",
    "in_control",
    "undetectable",
    "no_user_key",
    "too_few_users",
    "warming_up",
)
_NOWHERE = "http://127.0.0.1:1"


class UnusableError(click.ClickException):
    """Something named on the command line cannot be used."""

    exit_code = _USAGE


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter replay traffic.jsonl --learn-until 7d\n"
    "  kilter replay november/*.jsonl.gz --baseline october.json --jobs 4 --json\n"
    "  kilter replay october.jsonl --learn-until 2026-11-01 --save-baseline october.json\n"
    "  kilter replay --format-check captures/*.json | jq -r .response_text\n"
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--baseline", "baseline_path", metavar="FILE", type=click.Path(path_type=Path), help="Judge by this baseline."
)
@click.option(
    "--learn-until",
    metavar="TIME",
    help="What began before is learned and becomes the baseline: ISO 8601, Unix seconds, or 7d, 12h, 30m after the first record.",
)
@click.option(
    "--save-baseline", metavar="FILE", type=click.Path(path_type=Path), help="Write the baseline that was learned."
)
@click.option("--config", "config_path", metavar="FILE", type=click.Path(path_type=Path), help="Ticks, budget, labels.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes that decode.")
@click.option("--json", "as_json", is_flag=True, help="JSON lines: each change of a state, then one summary.")
@click.option("--format-check", is_flag=True, help="Print what the decoders read in each FILE, one JSON line a file.")
def command(
    files: tuple[Path, ...],
    baseline_path: Path | None,
    learn_until: str | None,
    save_baseline: Path | None,
    config_path: Path | None,
    jobs: int,
    *,
    as_json: bool,
    format_check: bool,
) -> None:
    """Reads recorded exchanges as the monitor reads live ones; the clock is the records'.

    FILE holds one JSON object a line (.gz too), by time: {"timestamp", "request", "response"} with the bodies of an
    OpenAI-style API; {"timestamp", "messages"} with the answer as the last message; or a capture of the wire,
    {"started_at_s", "request": {method, path, headers, body_b64}, "response": {status, headers, body_b64, cut}}.
    "user", "conversation" and "app" beside them are used where they stand. Several files are merged by time.

    With --format-check a FILE is one capture, and its line is null where no format reads it. "format", or
    "config": {"provider"}, names the format where the path leaves it open.

    Exit 0: no alarm; 1: an alarm; 2: something cannot be used; 3: too little to judge by.
    """
    if format_check:
        _format_check(files)
        return
    if baseline_path and learn_until:
        raise click.UsageError("--baseline and --learn-until: one of them is the baseline")
    if save_baseline and not learn_until:
        raise click.UsageError("--save-baseline needs --learn-until: nothing is learned otherwise")
    settings = _config(config_path)
    with _read(files, jobs) as lines:
        first = next(lines, None)
        try:
            replay = Replay(
                rules(settings),
                Limits(**settings.labels.model_dump()),
                _baseline(baseline_path),
                _moment(learn_until, first.at_s if first else 0.0),
            )
        except ValueError as error:
            raise UnusableError(f"{baseline_path}: {error}") from None
        changes = _run(replay, first, lines, as_json=as_json)
    if save_baseline and replay.analysis.baseline:
        try:
            save_baseline.write_text(baseline_file.dumped(replay.analysis.baseline), "utf-8")
        except OSError as error:
            raise UnusableError(f"{save_baseline}: {error.strerror}") from None
    (_print_json if as_json else _print)(replay)
    if any(change.state == "out_of_control" for change in changes):
        raise click.exceptions.Exit(_ALARM)
    if replay.analysis.baseline is None and (learn_until or not replay.counts.exchanges):
        raise click.exceptions.Exit(_INSUFFICIENT)


def _run(replay: Replay, first: Line | None, lines: Iterator[Line], *, as_json: bool) -> list[Verdict]:
    changes = []

    def every() -> Iterator[Line]:
        if first is not None:
            yield first
        yield from lines

    try:
        for verdict in replay.run(every()):
            changes.append(verdict)
            if as_json:
                click.echo(json.dumps({"change": verdict.to_dict()}))
            elif verdict.state in ("out_of_control", "recovered"):
                click.echo(f"{_time(verdict.at_s)}  {verdict.state:<14}  {verdict.explanation}")
    except ValueError as error:
        click.echo(f"nothing to judge by: {error}", err=True)
        raise click.exceptions.Exit(_INSUFFICIENT) from None
    except OSError as error:
        raise UnusableError(f"{error.filename}: {error.strerror or error}") from None
    for place, problem in replay.counts.problems:
        click.echo(f"{place}: {problem}", err=True)
    return changes


@contextmanager
def _read(files: Sequence[Path], jobs: int) -> Iterator[Iterator[Line]]:
    """The lines of all files, with a bar on a terminal."""
    try:
        total = sum(path.stat().st_size for path in files)
    except OSError as error:
        raise UnusableError(f"{error.filename}: {error.strerror}") from None
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as shown:
        task = shown.add_task("reading", total=None if any(path.suffix == ".gz" for path in files) else total)
        advance: Callable[[int], None] = lambda size: shown.advance(task, size)  # noqa: E731  # a name for a bound call
        lines = reading.lines(files, jobs, advance)
        try:
            yield lines
        finally:
            lines.close()  # type: ignore[attr-defined]  # a generator: ends its processes


def _config(path: Path | None) -> Config:
    """What a replay takes of a configuration does not include the upstream, which may be missing."""
    try:
        return config.load(path, environ={}, upstream=_NOWHERE)
    except ConfigError as error:
        raise UnusableError(str(error)) from None


def _baseline(path: Path | None) -> Baseline | None:
    if path is None:
        return None
    try:
        return baseline_file.parsed(path.read_text("utf-8"))
    except OSError as error:
        raise UnusableError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise UnusableError(f"{path}: {error}") from None


def _moment(text: str | None, first_s: float) -> float | None:
    """Unix seconds."""
    if text is None:
        return None
    after = re.fullmatch(r"(\d+(?:\.\d+)?)([dhm])", text)
    if after:
        return first_s + float(after[1]) * _UNITS[after[2]]
    try:
        return float(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{text!r}: need ISO 8601, Unix seconds, or 7d, 12h, 30m after the first record", param_hint="--learn-until"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _time(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"


def _ranked(replay: Replay) -> list[Verdict]:
    order = {state: rank for rank, state in enumerate(_WORST_FIRST)}
    return sorted(replay.analysis.verdicts(), key=lambda one: (order.get(one.state, len(order)), one.series))


def _print_json(replay: Replay) -> None:
    analysis, counts = replay.analysis, replay.counts
    summary = {
        "exchanges": counts.exchanges,
        "opaque": counts.opaque,
        "skipped": counts.skipped,
        "failed": replay.tally.lost_to_errors,
        "first_s": counts.first_s,
        "last_s": counts.last_s,
        "labels": replay.tally.labels,
        "ticks": analysis.closed,
        "unfinished": analysis.ticks.unfinished,
        "left_out": analysis.units.left_out,
        "baseline": analysis.baseline.id if analysis.baseline else None,
        "alarms": [alarm.to_dict() for alarm in analysis.alarms],
        "verdicts": [verdict.to_dict() for verdict in _ranked(replay)],
    }
    click.echo(json.dumps({"summary": summary}))


def _print(replay: Replay) -> None:
    analysis, counts = replay.analysis, replay.counts
    table = Table("state", "what", caption_justify="left")
    for verdict in _ranked(replay):
        table.add_row(verdict.state, verdict.explanation)
    Console().print(table)
    click.echo(
        f"{counts.exchanges} exchanges from {_time(counts.first_s)} to {_time(counts.last_s)}, {analysis.closed} ticks; "
        f"{counts.opaque} opaque, {counts.skipped} lines that are no records, {replay.tally.lost_to_errors} lost to errors, "
        f"{analysis.ticks.unfinished} too late for their tick"
    )
    if analysis.baseline is None:
        click.echo("no baseline: these are rates, not verdicts (--learn-until learns one, --baseline takes one)")
    else:
        click.echo(f"{len(analysis.alarms)} alarms; baseline {analysis.baseline.id}")


def _format_check(files: Sequence[Path]) -> None:
    for file in files:
        try:
            shown = format_check_line(json.loads(file.read_bytes()))
        except OSError as error:
            raise click.BadParameter(f"{file}: {error.strerror}", param_hint="FILE") from None
        except NotARecordError as error:
            raise click.BadParameter(f"{file}: {error}", param_hint="FILE") from None
        except (ValueError, RecursionError):
            raise click.BadParameter(f"{file}: not JSON", param_hint="FILE") from None
        click.echo(shown)
