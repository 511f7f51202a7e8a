"""What every asking subcommand is told of the server it asks, and what it makes of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import aiohttp
import click

from sidecar.canary.asking import Asker, Endpoint, Profile, first_model, most_tokens
from sidecar.canary.case import Case
from sidecar.canary.load import KilterLoad, Load, NoLoad
from sidecar.canary.targets.base import targets
from sidecar.commands.run import ConfigExit

_FILE = click.Path(dir_okay=False, path_type=Path)
_OPTIONS = (
    click.option(
        "--upstream",
        "--target",
        "upstream",
        envvar="KILTER_UPSTREAM",
        required=True,
        metavar="URL",
        help="The model server, asked directly.",
    ),
    click.option(
        "--api", default="openai.chat", show_default=True, type=click.Choice(sorted(targets())), help="What it speaks."
    ),
    click.option("--key-file", metavar="FILE", type=_FILE, help="The canaries' own key. A client's key is never used."),
    click.option(
        "--header", "headers", multiple=True, metavar="NAME:VALUE", help="Sent with each request. May be repeated."
    ),
    click.option(
        "--budget", default=300_000, show_default=True, type=click.IntRange(1), help="Tokens a day, all runs together."
    ),
    click.option(
        "--temperature", default=0.0, show_default=True, type=click.FloatRange(0, 2), help="Sampling, as deployed."
    ),
    click.option("--top-p", type=click.FloatRange(0, 1), help="Sampling, as deployed."),
    click.option(
        "--system-file",
        metavar="FILE",
        type=_FILE,
        help="The deployment's system prompt, put before each suite's own.",
    ),
    click.option("--vision", is_flag=True, help="The model reads images; without it prompts with images are skipped."),
    click.option(
        "--timeout", default=120.0, show_default=True, type=click.FloatRange(0.1), help="Seconds for one reply."
    ),
    click.option("--admin", default="", metavar="ADDRESS", help="A running Kilter: wait while users are being served."),
    click.option(
        "--max-inflight", default=4, show_default=True, type=click.IntRange(0), help="With --admin: more is busy."
    ),
)


def target_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that ``Target.taken`` reads."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True, slots=True)
class Target:
    """The options, with their files read. Exit 2 where one cannot be."""

    upstream: str
    api: str
    key: str
    headers: Mapping[str, str]
    budget: int
    profile: Profile
    vision: bool
    timeout: float
    admin: str
    max_inflight: int

    @classmethod
    def taken(cls, given: dict[str, Any]) -> Self:
        """Made of what click gives; takes its own out of ``given``."""
        sampling = {"temperature": given.pop("temperature")}
        top_p = given.pop("top_p")
        if top_p is not None:
            sampling["top_p"] = top_p
        return cls(
            key=text_of(given.pop("key_file"), "--key-file"),
            headers=_headers(given.pop("headers")),
            profile=Profile(sampling, text_of(given.pop("system_file"), "--system-file")),
            **{
                name: given.pop(name)
                for name in ("upstream", "api", "budget", "vision", "timeout", "admin", "max_inflight")
            },
        )

    async def asker(self, session: aiohttp.ClientSession, model: str, upstream: str = "") -> Asker:
        """Asks ``model``, the first that the server lists where it is empty; at ``upstream`` where that is given."""
        target, address = targets()[self.api], upstream or self.upstream
        named = model or await first_model(session, target, address, self.key) or "default"
        endpoint = Endpoint(target, address, named, self.key, self.vision, self.timeout, self.headers)
        return Asker(session, endpoint, self.profile)

    def load(self, session: aiohttp.ClientSession) -> Load:
        """Whether users are being served, where a Kilter is named."""
        return KilterLoad(session, self.admin, self.max_inflight) if self.admin else NoLoad()


def announce(asker: Asker, cases: Sequence[Case], times: Callable[[Case], int], what: str, budget: int) -> None:
    """Says what asking each case so many ``times`` will cost, before anything is sent. ``what`` is asked: ``9 prompts``."""
    worst = 0
    for case in cases:
        if not case.retired and not case.needs_vision:
            question = asker.question(case.system, case.script, case.tools, case.max_tokens)
            worst += most_tokens(asker.endpoint.target, question) * times(case)
    click.echo(f"asking {what}: some {worst // 3:,} tokens expected, within {budget:,} a day", err=True)


def text_of(path: Path | None, option: str) -> str:
    """What a file holds, empty where none is named. Exit 2 where it cannot be read."""
    if path is None:
        return ""
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigExit(f"{option}: {path}: cannot be read") from None


def _headers(given: Sequence[str]) -> Mapping[str, str]:
    headers = {}
    for text in given:
        name, colon, value = text.partition(":")
        if not colon or not name.strip() or any(sign in text for sign in "\r\n"):
            raise ConfigExit("--header: need NAME:VALUE")
        headers[name.strip()] = value.strip()
    return headers
