"""Forms of the status page: from a browser's form to a command of the API.

A form is taken from a page of this listener only (Origin), with the token, or in a session that the token has begun.
The session's cookie is sent to ``/forms`` alone: cookies know no ports, and the traffic port of the same host belongs
to the model server.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import web

from sidecar.supervisor import plain_page
from sidecar.supervisor.hosts import scheme_of_own_page
from sidecar.supervisor.sessions import LENGTH_S, Sessions

PATH = "/forms"
COOKIE = "kilter_session"
MOST_BYTES = 16384
_ALARM = re.compile(r"[0-9a-f]{1,64}")


class Commands(Protocol):
    """Carries a command to the monitor."""

    def __call__(self, method: str, path: str, content: Mapping[str, Any]) -> Awaitable[tuple[int, str]]:
        """(status, text) of the answer; 503 where the monitor does not answer."""


@dataclass(frozen=True, slots=True)
class Command:
    """``path`` of the API, and where on the page its result shows."""

    method: str
    path: str
    content: Mapping[str, Any]
    shown_at: str


class MistakeError(Exception):
    """A form that is not as the page makes it. ``str()`` is for the person."""


class Forms:
    """``is_token(text)`` compares in constant time."""

    def __init__(self, is_token: Callable[[str], bool], commands: Commands) -> None:
        self._is_token = is_token
        self._commands = commands
        self._sessions = Sessions(time.monotonic)

    def add_to(self, app: web.Application) -> None:
        """The routes."""
        app.router.add_post(f"{PATH}/acknowledge", self._acknowledge)
        app.router.add_post(f"{PATH}/promote", self._promote)
        app.router.add_post(f"{PATH}/forget", self._forget)

    async def _acknowledge(self, request: web.Request) -> web.StreamResponse:
        return await self._carry_out(request, acknowledgement)

    async def _promote(self, request: web.Request) -> web.StreamResponse:
        return await self._carry_out(request, promotion)

    async def _carry_out(
        self, request: web.Request, command_of: Callable[[Mapping[str, str]], Command]
    ) -> web.StreamResponse:
        scheme = scheme_of_own_page(request.headers.get("Origin", ""), request.headers.get("Host", ""))
        if not scheme:
            return plain_page.answer(
                403, "Not taken", ["This form did not come from Kilter's own page.", "Nothing was changed."]
            )
        try:
            given = await _fields(request)
            token = given.get("token", "").strip()
            in_session = not token and self._sessions.hold(request.cookies.get(COOKIE, ""))
            if not in_session and not self._is_token(token):
                return plain_page.answer(
                    401,
                    "Not taken",
                    [
                        "The token is not the right one." if token else "The token is needed, or was given more than 15 minutes ago.",
                        "It lies in the file admin_token of the state directory. Nothing was changed; your browser's Back keeps what you wrote.",
                    ],
                )  # fmt: skip
            command = command_of(given)
        except MistakeError as error:
            return plain_page.answer(400, "Not taken", [str(error), "Nothing was changed."])
        status, text = await self._commands(command.method, command.path, command.content)
        if status != 200:
            return plain_page.answer(status, "Not done", [text.strip()])
        done = web.HTTPSeeOther(f"/{command.shown_at}")
        done.headers.update(plain_page.HEADERS)
        if not in_session:
            done.set_cookie(
                COOKIE,
                self._sessions.begin(),
                max_age=int(LENGTH_S),
                path=PATH,
                httponly=True,
                samesite="Strict",
                secure=scheme == "https",
            )
        return done

    async def _forget(self, request: web.Request) -> web.StreamResponse:
        """Ends the session. From anywhere: whoever makes a browser do this has gained nothing."""
        self._sessions.end(request.cookies.get(COOKIE, ""))
        done = web.HTTPSeeOther("/")
        done.del_cookie(COOKIE, path=PATH, httponly=True, samesite="Strict")
        return done


def acknowledgement(given: Mapping[str, str]) -> Command:
    """That an alarm has been seen."""
    alarm = given.get("alarm", "")
    if not _ALARM.fullmatch(alarm):
        raise MistakeError("The form names no alarm.")
    if not (given.get("by", "").strip() and given.get("control", "").strip()):
        raise MistakeError("Who you are, and what is done meanwhile, are both needed.")
    content = {"by": given["by"].strip(), "control": given["control"].strip()}
    return Command("POST", f"/api/v1/alarms/{alarm}/ack", content, f"#alarm-{alarm}")


def promotion(given: Mapping[str, str]) -> Command:
    """That what was learned is the baseline from now on. A promotion cannot be taken back by a click, so it is confirmed."""
    if given.get("sure") != "yes":
        raise MistakeError(
            "Please tick that you mean it: the promoted baseline is what all is compared with from now on."
        )
    return Command("PUT", "/api/v1/baselines/promote", {"anyway": given.get("anyway") == "yes"}, "#baseline")


async def _fields(request: web.Request) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise MistakeError("This is no form of the page.")
    body = b""
    async for part in request.content.iter_any():
        body += part
        if len(body) > MOST_BYTES:
            raise MistakeError(f"The form is longer than {MOST_BYTES} bytes.")
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=16, errors="strict"))
    except ValueError:
        raise MistakeError("The form cannot be read.") from None
