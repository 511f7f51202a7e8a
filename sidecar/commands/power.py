"""``kilter power``: which drift would be found, and how soon."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from detectors.records.baseline import Baseline
from detectors.watch.delay import Stream
from detectors.watch.promise import DAY_S, Asked, Promise, promise, strata_of
from detectors.watch.promotion import practical_margin
from detectors.watch.rules import Rules
from sidecar import config
from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir
from sidecar.config_source import ConfigError
from sidecar.monitor.judging import rules as rules_of
from sidecar.store.baseline_file import parsed

_INSUFFICIENT = 3
_STRATA, _LEARNED_DAYS = 40, 7


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter power\n"
    "  kilter power baseline.json --shift 3 --shift 10\n"
    "  kilter power baseline.json --shift 3 --shift -3 --traffic 0.5 --json | jq '.[] | select(.says != \"found\")'\n"
    "  kilter power --rate 5 --per-day 2000\n"
    "  kilter power --rate 5 --per-day 2000 --reference 20000 --strata 12 --shift 2 --shift 5 --shift 10\n"
)
@click.argument("baseline", required=False, metavar="[FILE]", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--shift",
    "shifts",
    multiple=True,
    type=click.FloatRange(-100, 100),
    default=(5.0,),
    show_default=True,
    metavar="POINTS",
    help="By how much a rate moves; below 0 it falls. Can be given several times.",
)
@click.option(
    "--traffic",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    metavar="FACTOR",
    help="The traffic now, as a multiple of that of the baseline.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Configuration whose budget, ticks and verdicts are used [default: the built-in ones].",
)
@click.option("--admin", default="127.0.0.1:9401", show_default=True, metavar="ADDRESS", help="Admin address.")
@click.option(
    "--rate", type=click.FloatRange(0, 100), metavar="PERCENT", help="Without a baseline: the rate as it is usual."
)
@click.option(
    "--per-day",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="Without a baseline: what counts in the stratum a day, about one a conversation.",
)
@click.option(
    "--reference",
    type=click.IntRange(1),
    metavar="N",
    help=f"Without a baseline: trials of the baseline [default: {_LEARNED_DAYS} days of --per-day].",
)
@click.option(
    "--strata",
    default=_STRATA,
    show_default=True,
    type=click.IntRange(1),
    metavar="K",
    help="Without a baseline: strata that share the false-alarm budget.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the answers as JSON instead of a table.")
def command(
    baseline: Path | None,
    shifts: tuple[float, ...],
    traffic: float,
    config_file: Path | None,
    admin: str,
    rate: float | None,
    per_day: float | None,
    reference: int | None,
    strata: int,
    *,
    as_json: bool,
) -> None:
    """Says when a drift would be found: by stratum of a baseline, or from --rate and --per-day before there is one.

    FILE is an exported baseline; without it, that of a running Kilter. "Half within" and "39 of 40 within" count from
    the drift to the alarm, found by drawing streams and judging them as the monitor does, at a steady pace, for one
    period of the false-alarm budget. "uncertain": more than half are found, but not 39 of 40. "undetectable": fewer
    than half, with this baseline and pace. "within floor": too small to matter by `verdicts.floor`, so it raises no
    alarm.

    Exit 2 when FILE is no baseline, or the running Kilter has none; 3 when no shift would surely be found.
    """
    if (rate is None) != (per_day is None) or (rate is not None and baseline is not None):
        raise click.UsageError("need --rate and --per-day together, and no FILE with them")
    if rate is not None and per_day is not None:
        rules = _rules(config_file, Rules().tick_s)
        asked = [_from_flags(rate / 100, per_day, reference, strata, rules)]
    else:
        known = _in_use(admin) if baseline is None else _read(baseline)
        rules = _rules(config_file, known.tick_s)
        asked = strata_of(known, rules, traffic)
    promises = _promises(asked, [shift / 100 for shift in shifts], rules)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in promises], indent=2))
    else:
        Console().print(_table(promises))
    if not any(one.says == "found" for one in promises):
        raise click.exceptions.Exit(_INSUFFICIENT)


def _rules(config_file: Path | None, tick_s: float) -> Rules:
    if config_file is None:
        return Rules(tick_s=tick_s)
    try:
        return rules_of(config.load(config_file))
    except ConfigError as error:
        raise ConfigExit(str(error)) from None


def _read(file: Path) -> Baseline:
    try:
        return parsed(file.read_text("utf-8"))
    except OSError as error:
        raise ConfigExit(f"{file}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigExit(f"{file}: {error}") from None


def _in_use(admin: str) -> Baseline:
    try:
        return parsed(AdminClient(admin, state_dir("")).get("/api/v1/baselines/latest").decode())
    except (AdminError, ValueError) as error:
        raise ConfigExit(f"{error} (`kilter power --rate 5 --per-day 2000` asks without a baseline)") from None


def _from_flags(rate: float, per_day: float, reference: int | None, strata: int, rules: Rules) -> Asked:
    trials = reference or max(1, round(_LEARNED_DAYS * per_day))
    events, share = round(rate * trials), rules.false_alarm_budget / strata
    margin = practical_margin(events, trials, rules.margin)
    stream = Stream(events, trials, per_day * rules.tick_s / DAY_S, share, margin)
    return Asked("any", f"1 of {strata}", "", stream)


def _promises(asked: Sequence[Asked], shifts: Sequence[float], rules: Rules) -> list[Promise]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    promises = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("strata", total=len(asked) * len(shifts))
        for one in asked:
            for shift in shifts:
                promises.append(promise(one, shift, rules))
                progress.advance(task)
    return promises


def _table(promises: Sequence[Promise]) -> Table:
    table = Table(caption="Counted trials, and the time they take at this pace.")
    for name in ("behaviour", "stratum", "baseline", "counted a day", "shift", "half within", "39 of 40 within"):
        table.add_column(name, justify="left" if name in {"behaviour", "stratum"} else "right")
    for one in promises:
        delays = [_delay(one.median_trials, one.median_s), _delay(one.promised_trials, one.promised_s)]
        if one.says != "found":
            delays[one.says == "uncertain"] = one.says.replace("_", " ")
        table.add_row(
            one.behaviour,
            one.stratum,
            f"{100 * one.rate:.1f} % of {one.baseline_trials:,}",
            f"{one.trials_per_day:,.0f}",
            f"{100 * one.shift:+g}",
            *delays,
        )
    return table


def _delay(trials: float | None, seconds: float | None) -> str:
    return "-" if trials is None or seconds is None else f"{trials:,.0f} ({lasting(seconds)})"


def lasting(seconds: float) -> str:
    """A stretch of time in one unit.

    >>> lasting(90), lasting(5400), lasting(200_000)
    ('2 min', '1.5 h', '2.3 d')
    """
    for unit, length in (("d", DAY_S), ("h", 3600.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds / 60:.0f} min"
