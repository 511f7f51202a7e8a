"""``kilter canary run``: asks a model, now."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import json
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sidecar.canary import duration
from sidecar.canary.arithmetic import ExpressionError
from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.case import Case
from sidecar.canary.draws import secret_id
from sidecar.canary.generate import render
from sidecar.canary.judge import ModelJudge, SameModelError
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Probe, Prober
from sidecar.canary.results import Results, StoreError
from sidecar.canary.rounds import ask_round
from sidecar.canary.targets.base import targets
from sidecar.commands.canary import _junit, _report
from sidecar.commands.canary._suites import (
    rotation_secret,
    secret_option,
    state_option,
    suites,
    which_suites,
)
from sidecar.commands.canary._target import Target, announce, target_options, text_of
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir

_INSUFFICIENT = 3


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter canary run --now --suite policy_proxy --upstream http://127.0.0.1:8000\n"
    "  kilter canary run --now --upstream https://api.example.org --model tuned --key-file canary.key --json\n"
    "  kilter canary run --now my-suite.yaml --upstream http://127.0.0.1:8000 --junit canaries.xml\n"
)
@which_suites
@click.option("--now", is_flag=True, help="Ask one round at once, and end. Needed: `kilter run` asks over time.")
@target_options
@click.option(
    "--model", default="", metavar="NAME", help="Model to ask; the first that the server lists where not given."
)
@click.option("--epoch", type=click.IntRange(0), help="Which epoch. [the present one]")
@click.option("--repeats", type=click.IntRange(1, 100), help="Ask each prompt so often, instead of the suite's number.")
@click.option(
    "--language", "languages", multiple=True, metavar="TAG", help="Only prompts in this language. May be repeated."
)
@click.option(
    "--judge-url", default="", metavar="URL", help="A judge model, for what the rules leave open. Off by default."
)
@click.option("--judge-model", default="", metavar="NAME", help="The judge's name there.")
@click.option(
    "--judge-key-file", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="The judge's own key."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Also write JUnit XML.")
@secret_option
@state_option
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    secret_file: Path | None,
    state: str,
    **given: Any,
) -> None:
    """Asks one round of canaries and judges the replies.

    Suites: those named, else the built-in ones and those of --suites. Adversarial questions at a vendor may
    breach its terms: ask your own model, or ask the vendor first. The expected cost is printed before.

    Exit 1 where a suite passed less than its threshold (any failure, where it names none), 3 where one decided
    nothing, 2 on a wrong option or file, else 0.
    """
    target = Target.taken(given)
    options = Options(**given)
    if not options.now:
        raise click.UsageError("need --now: canaries over time are asked by `kilter run` with canary.enabled.")
    loaded = suites(files, folders, names)
    secret = rotation_secret(secret_file, state)
    try:
        with Results(state_dir(state) / "canary.db") as results:
            round_ = Round(target, options, loaded, secret, results)
            probes = asyncio.run(round_.ask())
            spent = results.spent(_today())
    except StoreError as error:
        raise ConfigExit(str(error)) from None
    if options.junit:
        try:
            _junit.write(options.junit, probes)
        except OSError as error:
            raise ConfigExit(f"--junit: {options.junit}: {error.strerror}") from None
    report = _report.report(probes, loaded, round_.facts(spent))
    if options.as_json:
        click.echo(json.dumps(report, ensure_ascii=False, indent=1))
    else:
        _report.show(report)
    raise click.exceptions.Exit(report["exit_code"])


@dataclasses.dataclass(frozen=True, slots=True)
class Options:
    """What was given on the command line."""

    now: bool
    model: str
    epoch: int | None
    repeats: int | None
    languages: tuple[str, ...]
    judge_url: str
    judge_model: str
    judge_key_file: Path | None
    as_json: bool
    junit: Path | None


class Round:
    """One round with its options read."""

    def __init__(
        self, target: Target, options: Options, loaded: Sequence[LoadedSuite], secret: bytes, results: Results
    ) -> None:
        self._target = target
        self._options = options
        self._loaded = loaded
        self._secret = secret
        self._results = results
        self.run = secrets.token_hex(6)
        self.started_s = time.time()
        self.model = options.model
        self._judge_key = text_of(options.judge_key_file, "--judge-key-file")

    def facts(self, spent: int) -> dict[str, Any]:
        """What the report says about the run itself."""
        return {
            "run": self.run,
            "at": dt.datetime.fromtimestamp(self.started_s, dt.UTC).isoformat(timespec="seconds"),
            "target": {"api": self._target.api, "model": self.model},
            "secret_id": secret_id(self._secret),
            "budget": {"tokens_a_day": self._target.budget, "spent_today": spent},
        }

    async def ask(self) -> list[Probe]:
        """All probes."""
        options = self._options
        async with aiohttp.ClientSession() as session:
            asker = await self._target.asker(session, options.model)
            self.model = asker.endpoint.model
            cases = self._cases()
            judge = None
            if options.judge_url:
                judging = Endpoint(targets()["openai.chat"], options.judge_url, options.judge_model, self._judge_key)
                try:
                    judge = ModelJudge(Asker(session, judging), asker)
                except SameModelError as error:
                    raise ConfigExit(f"--judge-url: {error}") from None
            load = self._target.load(session)
            prober = Prober(asker, self._results, budget=self._target.budget, now=time.time, load=load, judge=judge)
            self._announce(asker, cases)
            return await self._asked(cases, prober)

    async def _asked(self, cases: Sequence[Case], prober: Prober) -> list[Probe]:
        console = Console(stderr=True)
        total = sum(self._options.repeats or case.repeats for case in cases)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
            task = progress.add_task("canaries", total=total)
            return await ask_round(
                cases,
                prober,
                self._results,
                run=self.run,
                secret_id=secret_id(self._secret),
                repeats=self._options.repeats,
                seen=lambda _: progress.advance(task),
            )

    def _cases(self) -> list[Case]:
        today = dt.datetime.fromtimestamp(self.started_s, dt.UTC).date()
        cases: list[Case] = []
        for suite in self._loaded:
            rotation = suite.suite.rotation
            epoch = self._options.epoch
            if epoch is None:
                epoch = int(self.started_s) // duration.seconds(rotation.epoch)
            shift = 0
            if self._options.epoch is None:
                shift = self._results.next_draw(secret_id(self._secret), suite.suite.suite, epoch, rotation.max_uses)
            self._results.expose(secret_id(self._secret), suite.suite.suite, epoch, shift, self.started_s)
            try:
                made = render(suite, self._secret, epoch, today=today, shift=shift)
            except (ExpressionError, ValueError) as error:
                raise ConfigExit(f"{suite.shown}: {error}") from None
            cases += (case for case in made if not self._options.languages or case.language in self._options.languages)
        return cases

    def _announce(self, asker: Asker, cases: Sequence[Case]) -> None:
        sent = sum(not case.retired for case in cases)
        announce(
            asker,
            cases,
            lambda case: self._options.repeats or case.repeats,
            f"{sent} prompts of {len(self._loaded)} suites",
            self._target.budget,
        )


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()
