"""The canaries' own client: built from the configuration and files of the operator, never from anything of a user's.

Rules of this file
* Errors name the key and the file, and nothing of what the file holds.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

import aiohttp

from sidecar.canary.asking import Asker, Endpoint, Profile
from sidecar.canary.judge import ModelJudge
from sidecar.canary.mirror import Sampling
from sidecar.canary.targets.base import targets
from sidecar.config import Config
from sidecar.config_canary import Canary

IDLE_S = 2.0


class CannotAskError(Exception):
    """Something that is needed cannot be had. ``str()`` is one line for a person."""


def session(config: Config) -> aiohttp.ClientSession:
    """To the upstream, as the gateway reaches it.

    A connection that was idle for long is often dead, which would look like a cut answer; one that is closed after each
    request says so in a header, which users' requests do not have.
    """
    settings = config.upstream_settings()
    if settings.scheme == "unix":
        connector: aiohttp.BaseConnector = aiohttp.UnixConnector(settings.host, keepalive_timeout=IDLE_S)
    else:
        context = ssl.create_default_context()
        try:
            if settings.ca_file:
                context.load_verify_locations(settings.ca_file)
            if settings.client_cert_file:
                context.load_cert_chain(settings.client_cert_file, settings.client_key_file or None)
        except (OSError, ssl.SSLError):
            raise CannotAskError("upstream_tls: its files cannot be read") from None
        connector = aiohttp.TCPConnector(ssl=context, keepalive_timeout=IDLE_S)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


def profile(config: Canary, drawn: Callable[[], Sampling | None] = lambda: None) -> Profile:
    """How the deployment is used, as configured. ``drawn``: sampling as traffic has it."""
    sampling = {"temperature": config.temperature}
    if config.top_p < 1:
        sampling["top_p"] = config.top_p
    return Profile(sampling, text(config.system_file, "canary.system_file") if config.system_file else "", drawn)


def judge(config: Canary, asker: Asker, others: aiohttp.ClientSession) -> ModelJudge | None:
    """The judge, where one is configured. SameModelError where it is what ``asker`` asks."""
    given = config.judge
    if not given.url:
        return None
    key = text(given.key_file, "canary.judge.key_file") if given.key_file else ""
    return ModelJudge(Asker(others, Endpoint(targets()["openai.chat"], given.url, given.model, key)), asker)


def text(file: str, key: str) -> str:
    """What a file holds. ``key``: where it was named."""
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise CannotAskError(f"{key}: {file}: cannot be read") from None
