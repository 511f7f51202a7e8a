"""Baselines, alarms and annotations over HTTP. Writes reach here only with the admin token: the supervisor asks for it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from detectors.records.baseline import Baseline
from detectors.records.verdict import Alarm, Verdict
from sidecar.store.base import Acknowledgement
from sidecar.store.baseline_file import dumped


class RefusedError(Exception):
    """A command that cannot be carried out. ``str()`` says why."""


class MistakeError(Exception):
    """A request that is not as it must be. ``str()`` says what is needed."""


class Judge(Protocol):
    """What the API needs of the monitor. Commands raise RefusedError."""

    def described(self) -> dict[str, Any]:
        """The baselines and what is being learned."""

    def baselines(self) -> list[Baseline]:
        """Every one that is known, oldest first."""

    def learn(self, now_s: float) -> dict[str, Any]:
        """Begins to collect the next baseline."""

    def promote(self, now_s: float, *, anyway: bool) -> dict[str, Any]:
        """What was learned becomes the baseline."""

    def take(self, text: str, now_s: float) -> dict[str, Any]:
        """Uses the baseline of an exported file, or one that is known by its id."""

    def annotate(self, text: str, now_s: float) -> dict[str, Any]:
        """Keeps an operator's words."""

    def alarms(self) -> list[Alarm]:
        """Newest first."""

    def acknowledge(self, alarm_id: str, by: str, control: str, now_s: float) -> dict[str, Any]:
        """Keeps that somebody has seen an alarm, and what is done about it meanwhile."""

    def acknowledged(self) -> Mapping[str, Acknowledgement]:
        """By the alarm's id."""

    def verdicts(self) -> list[Verdict]:
        """Of every stratum."""


class Api:
    """``clock()`` is Unix seconds; ``changed()`` is called after the baseline has changed."""

    def __init__(self, judge: Judge, clock: Callable[[], float], changed: Callable[[], None]) -> None:
        self._judge = judge
        self._clock = clock
        self._changed = changed

    def add_to(self, app: web.Application) -> None:
        """The routes."""
        app.router.add_get("/api/v1/baselines", self._list)
        app.router.add_get("/api/v1/baselines/{id:(?!learn$|promote$|use$)[^/]+}", self._export)
        app.router.add_put("/api/v1/baselines/learn", self._learn)
        app.router.add_put("/api/v1/baselines/promote", self._promote)
        app.router.add_put("/api/v1/baselines/use", self._use)
        app.router.add_put("/api/v1/annotations", self._annotate)
        app.router.add_get("/api/v1/alarms", self._alarms)
        app.router.add_put("/api/v1/alarms/{id}/ack", self._acknowledge)
        app.router.add_post("/api/v1/alarms/{id}/ack", self._acknowledge)
        app.router.add_get("/api/v1/verdicts", self._verdicts)

    async def _list(self, _: web.Request) -> web.Response:
        return web.json_response(self._judge.described())

    async def _export(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        found = [one for one in self._judge.baselines() if wanted in (one.id, "latest")]
        if not found:
            return _word(f"no baseline {wanted[:40]!a} is known", 404)
        return web.Response(text=dumped(found[-1]), content_type="application/json")

    async def _learn(self, _: web.Request) -> web.Response:
        return self._command(lambda: self._judge.learn(self._clock()))

    async def _promote(self, request: web.Request) -> web.Response:
        need = 'need {"anyway": true} or {"anyway": false}, or nothing'
        given = await _given(request, need) if request.can_read_body else {}
        anyway = given.get("anyway", False)
        if not isinstance(anyway, bool):
            raise MistakeError(need)
        return self._command(lambda: self._judge.promote(self._clock(), anyway=anyway))

    async def _use(self, request: web.Request) -> web.Response:
        need = 'need {"baseline": "<id, or the text of an exported file>"}'
        text = _text(await _given(request, need), "baseline", need)
        return self._command(lambda: self._judge.take(text, self._clock()))

    async def _annotate(self, request: web.Request) -> web.Response:
        need = 'need {"text": "…"}'
        text = _text(await _given(request, need), "text", need)
        return self._command(lambda: self._judge.annotate(text, self._clock()))

    async def _alarms(self, _: web.Request) -> web.Response:
        return web.json_response(alarms_document(self._judge.alarms(), self._judge.acknowledged()))

    async def _acknowledge(self, request: web.Request) -> web.Response:
        need = 'need {"by": "<who>", "control": "<what is done about it meanwhile>"}'
        given = await _given(request, need)
        by, control = _text(given, "by", need), _text(given, "control", need)
        alarm_id = request.match_info["id"]
        if alarm_id not in {alarm.id for alarm in self._judge.alarms()}:
            return _word(f"no alarm {alarm_id[:40]!a} is known", 404)
        return self._command(lambda: self._judge.acknowledge(alarm_id, by, control, self._clock()))

    async def _verdicts(self, _: web.Request) -> web.Response:
        return web.json_response([verdict.to_dict() for verdict in self._judge.verdicts()])

    def _command(self, work: Callable[[], dict[str, Any]]) -> web.Response:
        try:
            done = work()
        except RefusedError as error:
            return _word(str(error), 409)
        self._changed()
        return web.json_response(done)


def alarms_document(alarms: Sequence[Alarm], acknowledged: Mapping[str, Acknowledgement]) -> list[dict[str, Any]]:
    """Plain JSON: each alarm, and by whom and when it was acknowledged, or null."""
    return [
        {
            **alarm.to_dict(),
            "acknowledged": {"at_s": one.at_s, "by": one.by, "control": one.control}
            if (one := acknowledged.get(alarm.id))
            else None,
        }
        for alarm in alarms
    ]


async def _given(request: web.Request, need: str) -> dict[str, Any]:
    """The JSON object that was sent. MistakeError where it is none."""
    try:
        given = json.loads(await request.read())
    except (ValueError, RecursionError):
        raise MistakeError(need) from None
    if not isinstance(given, dict):
        raise MistakeError(need)
    return given


def _text(given: Mapping[str, Any], name: str, need: str) -> str:
    """Text that can be kept: JSON can also name halves of characters, which no encoding has."""
    text = given.get(name)
    if not isinstance(text, str):
        raise MistakeError(need)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MistakeError(f"{name}: need whole characters, got a lone surrogate") from None
    return text


@web.middleware
async def mistakes(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Says what is wrong with a request."""
    try:
        return await handler(request)
    except MistakeError as error:
        return _word(str(error), 400)


def _word(text: str, status: int) -> web.Response:
    return web.Response(text=text + "\n", status=status)
