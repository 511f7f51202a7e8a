"""One request to the model under test, and what came of it as a Reply. Never raises for what a server does.

Rules of this file
* Its own client with its own key: nothing here passes the gateway, so no canary is ever
  counted as a user's request.
* A request is sent again only where the server said "later" (429, 503), after as long as it
  asked for, bounded; any other failure is an error of this probe.
* ``error`` words are a closed set; a server's text is never kept.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import aiohttp

from sidecar.canary.conversation import Message, OfferedTool, Reply, User
from sidecar.canary.mirror import Sampling
from sidecar.canary.targets.base import Question, Target, UnreadableReplyError, items, mapping

MAX_REPLY_BYTES = 8 << 20
MAX_IMAGE_BYTES = 4 << 20
GREEDY: Mapping[str, float] = MappingProxyType({"temperature": 0.0})
_MODELS_LIMIT_S = 10.0
_IDENTITY = ("parent", "root", "digest")
_TRIES = 3
_LATER = (429, 503)
_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
_MESSAGE_TOKENS = 16
"""More than any chat template adds to a message."""
_IMAGE_TOKENS = 3000
_SIGNATURES = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp"))


@dataclass(frozen=True, slots=True)
class Profile:
    """How the deployment is used: sampling and, in front of a case's own, the system prompt. ``drawn``: sampling as users
    send it now, None while that is not known.
    """

    sampling: Mapping[str, float] = field(default_factory=lambda: {"temperature": 0.0})
    system: str = ""
    drawn: Callable[[], Sampling | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where to ask. ``headers`` are the operator's own marks, for a provider's billing filters."""

    target: Target
    base_url: str
    model: str
    key: str = ""
    vision: bool = False
    timeout_s: float = 120.0
    headers: Mapping[str, str] = field(default_factory=dict)


class Asker:
    """Sends questions to ``endpoint`` over ``session``."""

    def __init__(self, session: aiohttp.ClientSession, endpoint: Endpoint, profile: Profile | None = None) -> None:
        self._session = session
        self.endpoint = endpoint
        self.profile = profile or Profile()

    def sampled(self, *, greedy: bool = False) -> Sampling:
        """How a conversation is to be sampled, all of it; ``greedy``: not as the deployment samples."""
        if greedy:
            return tuple(GREEDY.items())
        drawn = self.profile.drawn()
        return tuple(self.profile.sampling.items()) if drawn is None else drawn

    def question(
        self,
        system: str,
        messages: Iterable[Message],
        tools: Iterable[OfferedTool],
        max_tokens: int,
        sampling: Sampling | None = None,
    ) -> Question:
        """The question as it will be sent; ``sampling``: instead of the profile's own. OSError where an image cannot be read."""
        said = tuple(messages)
        paths = {path for message in said if isinstance(message, User) for path in message.images}
        return Question(
            model=self.endpoint.model,
            system="\n\n".join(part for part in (self.profile.system, system) if part),
            messages=said,
            tools=tuple(tools),
            max_tokens=max_tokens,
            sampling=self.profile.sampling if sampling is None else dict(sampling),
            images={path: data_url(Path(path)) for path in sorted(paths)},
        )

    async def ask(self, question: Question) -> Reply:
        """The reply, or one with an error."""
        body = json.dumps(self.endpoint.target.body(question), ensure_ascii=False).encode()
        for attempt in range(1, _TRIES + 1):
            status, document, error, took_s, wait_s = await self._send(body)
            if status not in _LATER or attempt == _TRIES:
                break
            await asyncio.sleep(min(wait_s if wait_s is not None else _WAIT_S * 2**attempt, _LONGEST_WAIT_S))
        if error:
            return Reply(error=error, latency_s=took_s)
        if status != 200:
            if _filtered(document):
                return Reply(ended="filtered", latency_s=took_s)
            return Reply(error=f"http_{status}", latency_s=took_s)
        if document is None:
            return Reply(error="not_json", latency_s=took_s)
        if document.get("error"):
            return Reply(error="error_in_body", latency_s=took_s)
        try:
            return replace(self.endpoint.target.read(document), latency_s=took_s)
        except UnreadableReplyError:
            return Reply(error="not_an_answer", latency_s=took_s)

    async def _send(self, body: bytes) -> tuple[int, dict[str, Any] | None, str, float, float | None]:
        """(status, document, error, seconds, seconds to wait)."""
        endpoint = self.endpoint
        headers = {"Content-Type": "application/json", **endpoint.headers}
        if endpoint.key:
            headers |= endpoint.target.key_headers(endpoint.key)
        started = time.monotonic()
        status, raw, error, wait_s = 0, b"", "", None
        try:
            async with self._session.post(
                endpoint.target.url(endpoint.base_url),
                data=body,
                headers=headers,
                timeout=aiohttp.ClientTimeout(total=endpoint.timeout_s),
                allow_redirects=False,
            ) as answer:
                status = answer.status
                wait_s = _seconds(answer.headers.get("Retry-After", ""))
                raw = await _read(answer)
        except TimeoutError:
            error = "timeout"
        except aiohttp.ClientConnectorError:
            error = "connect"
        except (aiohttp.ClientError, OSError):
            error = "cut"
        except ValueError:
            error = "bad_address"
        if len(raw) > MAX_REPLY_BYTES:
            error = "too_long"
        return status, _document(raw), error, time.monotonic() - started, wait_s


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that the server lists. ``parent``: what it was made from (vLLM: the base of an adapter, or its path), or empty.

    ``identity``: what the listing says of its weights: parent, root, and a digest where one is listed. ``created`` is none of it:
    servers set it to the moment of the listing.
    """

    name: str
    parent: str = ""
    identity: str = ""


async def first_model(session: aiohttp.ClientSession, target: Target, base_url: str, key: str) -> str:
    """What the server lists first; ``default`` where it answers and lists nothing, empty where it does not answer."""
    listed = await models(session, target, base_url, key)
    return "" if listed is None else listed[0].name if listed else "default"


async def models(session: aiohttp.ClientSession, target: Target, base_url: str, key: str) -> list[Listed] | None:
    """What the server lists, in its order; None where it does not answer."""
    base = base_url.rstrip("/").removesuffix(target.path).removesuffix("/v1")
    headers = target.key_headers(key) if key else {}
    try:
        limit = aiohttp.ClientTimeout(total=_MODELS_LIMIT_S)
        async with session.get(f"{base}/v1/models", headers=headers, timeout=limit, allow_redirects=False) as answer:
            raw = await _read(answer)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return None
    return [
        Listed(str(entry.get("id") or "default"), str(entry.get("parent") or entry.get("root") or ""), _identity(entry))
        for entry in items((_document(raw) or {}).get("data"))
    ]


def _identity(entry: dict[str, Any]) -> str:
    said = [entry.get(key) for key in _IDENTITY]
    return json.dumps(said) if any(isinstance(one, str) and one for one in said) else ""


async def ollama_digest(session: aiohttp.ClientSession, base_url: str, key: str, model: str) -> str:
    """The digest that Ollama lists for the model (without a tag: ``latest``); empty where it lists none."""
    base = base_url.rstrip("/").removesuffix("/api/chat").removesuffix("/api")
    try:
        limit = aiohttp.ClientTimeout(total=_MODELS_LIMIT_S)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with session.get(f"{base}/api/tags", headers=headers, timeout=limit, allow_redirects=False) as answer:
            raw = await _read(answer)
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
        return ""
    listed = items((_document(raw) or {}).get("models"))
    return next((str(one.get("digest") or "") for one in listed if one.get("name") in (model, f"{model}:latest")), "")


def most_tokens(target: Target, question: Question) -> int:
    """More tokens than the question and its answer can take: a token is at least a byte."""
    text = replace(question, images=dict.fromkeys(question.images, "data:image/png;base64,"))
    size = len(json.dumps(target.body(text), ensure_ascii=False).encode())
    images = len(question.images) * _IMAGE_TOKENS
    return size + images + _MESSAGE_TOKENS * (len(question.messages) + 1) + question.max_tokens


def data_url(path: Path) -> str:
    """The image as a data URL. OSError where it cannot be read, or is none of png, jpeg, gif, webp."""
    if path.stat().st_size > MAX_IMAGE_BYTES:
        raise OSError(f"{path.name}: need at most {MAX_IMAGE_BYTES} bytes")
    raw = path.read_bytes()
    kind = next((kind for signature, kind in _SIGNATURES if raw.startswith(signature)), None)
    if kind is None:
        raise OSError(f"{path.name}: need a png, jpeg, gif or webp")
    return f"data:image/{kind};base64,{base64.b64encode(raw).decode()}"


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    """The body, or the first bytes of one that is longer than ``MAX_REPLY_BYTES``."""
    raw = b""
    while len(raw) <= MAX_REPLY_BYTES and (more := await answer.content.read(MAX_REPLY_BYTES)):
        raw += more
    return raw


def _document(raw: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _filtered(document: dict[str, Any] | None) -> bool:
    """Azure's way of saying that its filter stopped the prompt."""
    error = mapping((document or {}).get("error"))
    return "content_filter" in (error.get("code"), mapping(error.get("innererror")).get("code"))


def _seconds(text: str) -> float | None:
    try:
        return max(float(text), 0.0)
    except ValueError:
        return None
