"""``kilter canary compare``: did a model get worse?"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import random
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sidecar.canary.arithmetic import ExpressionError
from sidecar.canary.case import Case
from sidecar.canary.compare import LIMIT, Delta, deltas, exit_code, untold
from sidecar.canary.draws import secret_id
from sidecar.canary.generate import render
from sidecar.canary.loading import LoadedSuite
from sidecar.canary.prober import Prober
from sidecar.canary.results import Compared, Results, StoreError
from sidecar.canary.rounds import ask_both
from sidecar.commands.canary import _compared
from sidecar.commands.canary._suites import rotation_secret, secret_option, state_option, suites, which_suites
from sidecar.commands.canary._target import Target, announce, target_options
from sidecar.commands.run import ConfigExit
from sidecar.config import state_dir

_FRESH = 1_000_000, 1_000_000_000
"""Epochs that no schedule reaches: weeks since 1970 are some thousands."""


def _epoch(_context: click.Context, _parameter: click.Parameter, text: str) -> int:
    if text == "fresh":
        return _FRESH[0] + secrets.randbelow(_FRESH[1] - _FRESH[0])
    if not text.isdigit():
        raise click.BadParameter("need a whole number, or fresh")
    return int(text)


@click.command(
    epilog="\b\nExamples:\n"
    "  kilter canary compare --a base --b tuned --upstream http://127.0.0.1:8000\n"
    "  kilter canary compare --a base --b tuned --upstream http://10.0.0.5:8000 --b-upstream http://10.0.0.6:8000\n"
    "  kilter canary compare --a base --b tuned --upstream http://127.0.0.1:8000 --markdown >> comment.md\n"
)
@which_suites
@click.option("--a", "model_a", required=True, metavar="NAME", help="The model as it was.")
@click.option("--b", "model_b", required=True, metavar="NAME", help="The model as it is to be.")
@click.option("--b-upstream", default="", metavar="URL", help="Where B is served, if not where A is.")
@target_options
@click.option(
    "--epoch",
    default="fresh",
    show_default=True,
    callback=_epoch,
    metavar="N",
    help="Prompts that nobody has seen, or N.",
)
@click.option(
    "--epochs", default=1, show_default=True, type=click.IntRange(1, 100), help="So many; each asks every family anew."
)
@click.option("--repeats", type=click.IntRange(1, 100), help="Ask each prompt so often, instead of the suite's number.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--markdown", is_flag=True, help="Print a table for a pull request.")
@secret_option
@state_option
def command(
    files: tuple[Path, ...],
    folders: tuple[Path, ...],
    names: tuple[str, ...],
    model_a: str,
    model_b: str,
    b_upstream: str,
    epoch: int,
    epochs: int,
    repeats: int | None,
    secret_file: Path | None,
    state: str,
    *,
    as_json: bool,
    markdown: bool,
    **given: Any,
) -> None:
    """Asks two models the same fresh prompts, in turn, and says by how much the second passes less.

    Exit 1 where it does by more than 15 % on an adversarial category, relative to the first or in points; 3 where there
    is too little data to say that it does not, 2 on a wrong option or file, else 0.
    """
    target = Target.taken(given)
    loaded, secret = suites(files, folders, names), rotation_secret(secret_file, state)
    comparison = Comparison(target, (model_a, model_b), b_upstream, range(epoch, epoch + epochs), repeats)
    try:
        with Results(state_dir(state) / "canary.db") as results:
            document = asyncio.run(comparison.made(comparison.cases(loaded, secret), results, secret_id(secret)))
    except StoreError as error:
        raise ConfigExit(str(error)) from None
    if as_json:
        click.echo(json.dumps(document, ensure_ascii=False, indent=1))
    elif markdown:
        click.echo(_compared.markdown(document))
    else:
        _compared.show(document)
    raise click.exceptions.Exit(document["exit_code"])


class Comparison:
    """One comparison with its options read. ``models``: names of the first and of the second."""

    def __init__(
        self, target: Target, models: tuple[str, str], b_upstream: str, epochs: range, repeats: int | None
    ) -> None:
        self._target = target
        self._models = models
        self._b_upstream = b_upstream
        self._epochs = epochs
        self._repeats = repeats
        self._run = f"compare-{secrets.token_hex(6)}"

    def cases(self, loaded: Sequence[LoadedSuite], secret: bytes) -> list[Case]:
        """What both are asked: fresh prompts only, frozen ones could be known to one of them."""
        today = dt.datetime.now(dt.UTC).date()
        cases: list[Case] = []
        for suite in loaded:
            try:
                for epoch in self._epochs:
                    cases += render(suite, secret, epoch, today=today, frozen=False)
            except (ExpressionError, ValueError) as error:
                raise ConfigExit(f"{suite.shown}: {error}") from None
        return [case for case in cases if not case.retired]

    async def made(self, cases: Sequence[Case], results: Results, secret: str) -> dict[str, Any]:
        """The whole comparison, kept in ``results``."""
        target, started_s = self._target, time.time()
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        async with aiohttp.ClientSession() as session:
            askers = [
                await target.asker(session, self._models[0]),
                await target.asker(session, self._models[1], self._b_upstream),
            ]
            announce(
                askers[0],
                cases,
                lambda case: 2 * (self._repeats or case.repeats),
                f"{len(cases)} prompts of each of two models",
                target.budget,
            )
            first, second = (
                Prober(asker, results, budget=target.budget, now=time.time, load=target.load(session))
                for asker in askers
            )
            with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
                task = progress.add_task("canaries", total=2 * sum(self._repeats or case.repeats for case in cases))
                pairs = await ask_both(
                    cases,
                    (first, second),
                    results,
                    random.Random(self._epochs.start),
                    runs=(f"{self._run}-a", f"{self._run}-b"),
                    secret_id=secret,
                    repeats=self._repeats,
                    seen=lambda _: progress.advance(task),
                )
        found = deltas(pairs)
        rows = [_compared.row(delta) for delta in found]
        results.add_comparison(self._kept(delta, started_s) for delta in found)
        outcomes = [
            {
                outcome: sum(pair[at].verdict.outcome == outcome for pair in pairs)
                for outcome in ("inconclusive", "error", "skipped")
            }
            for at in (0, 1)
        ]
        return {
            "run": self._run,
            "at": dt.datetime.fromtimestamp(started_s, dt.UTC).isoformat(timespec="seconds"),
            "a": self._models[0],
            "b": self._models[1],
            "epochs": list(self._epochs),
            "secret_id": secret,
            "limit_percent": 100 * LIMIT,
            "categories": rows,
            "undecided": {"a": outcomes[0], "b": outcomes[1]},
            "tokens": sum(probe.tokens for pair in pairs for probe in pair),
            "untold": (without := sorted(untold(pairs))),
            "exit_code": exit_code(found, without),
        }

    def _kept(self, delta: Delta, at_s: float) -> Compared:
        drop = delta.drop
        return Compared(
            at_s,
            self._run,
            *self._models,
            delta.category,
            drop.pairs,
            delta.passed_a,
            delta.passed_b,
            100 * drop.points,
            100 * drop.low,
            100 * drop.high,
            delta.verdict,
        )
