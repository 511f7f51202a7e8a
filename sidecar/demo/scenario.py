"""The demo's story: traffic as usual, then, half-way, a model that behaves otherwise.

What changes, and where it must be found: refusals rise in Turkish and Swahili; answers
in conversations of 8 to 15 turns begin to carry a disclaimer while they still deliver;
after a search the model writes e-mails instead of reading pages. All else stays as it was.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import aiohttp
import openai

from sidecar.demo.model import NAME as REAL_MODEL
from sidecar.demo.model import SYSTEM_PROMPT as REAL_SYSTEM_PROMPT
from sidecar.demo.script import Phase, Policy, Rule
from sidecar.demo.traffic import TOOL_RESULTS, TOOLS, Conversation, conversation
from sidecar.demo.upstream import EXCHANGE_HEADER, LABEL_HEADER

Period = Literal["before", "after"]

USUAL = Policy(refusal=0.05, hollow_refusal=0.02, tool_call=1.0, tool_chain=("search", "read_page"))
BEFORE = Phase(policy=USUAL)
AFTER = Phase(
    policy=dataclasses.replace(USUAL, tool_chain=("search", "send_email")),
    rules=(
        Rule(dataclasses.replace(USUAL, refusal=0.4), languages=("tr", "sw")),
        Rule(dataclasses.replace(USUAL, hollow_refusal=0.4), turns=(8, 15), tool_state="none"),
    ),
    fingerprint="fp_scripted_2",
)
CONCURRENCY = 16
REAL_CONCURRENCY = 2
REQUEST_TIMEOUT_S = 120.0
MAX_STEPS = 5
"""Exchanges of one conversation: tool steps, or tries of a user who was refused."""
NOT_SCRIPTED = "unknown"
"""Label of the real model's answers: nobody knows their truth."""


class Sent(NamedTuple):
    """What one exchange was. ``label`` is the upstream's own word for its answer."""

    period: Period
    kind: str
    language: str
    turns: int
    label: str


@dataclass(slots=True)
class Summary:
    """``changed_at_exchange`` is the scripted upstream's first exchange under the new policy,
    None when the time did not suffice. ``failures`` counts failed requests by error type.
    """

    sent: Counter[Sent] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    changed_at_exchange: int | None = None
    elapsed_s: float = 0.0

    @property
    def period(self) -> Period:
        """The one that is now."""
        return "before" if self.changed_at_exchange is None else "after"

    def period_of(self, exchange: int | None) -> Period:
        """The one of a scripted exchange; of the real model's (None), the one that is now."""
        if exchange is None or self.changed_at_exchange is None:
            return self.period
        return "after" if exchange >= self.changed_at_exchange else "before"

    def count(self, **where: object) -> int:
        """Exchanges whose fields have these values: ``count(language="tr", label="refusal")``."""
        return sum(
            number
            for sent, number in self.sent.items()
            if all(getattr(sent, name) == value for name, value in where.items())
        )


async def run(
    seconds: float,
    *,
    kilter_url: str,
    real_url: str | None,
    scripted_url: str,
    report: Callable[[Summary], None],
    at_change: Callable[[], Awaitable[None]] | None = None,
    rate_per_s: float = 20.0,
    seed: int = 7,
) -> Summary:
    """Sends ``rate_per_s`` conversations a second to ``kilter_url`` for ``seconds``.

    URLs are roots without ``/v1``. The script is changed at ``scripted_url`` itself, not
    through Kilter: in the beginning to BEFORE, half-way to AFTER. ``real_url`` None: the
    real model is sent nothing (else Kilter's upstream must route to it). ``report`` is
    called about once a second with the summary so far, ``at_change`` just before the change. aiohttp.ClientError when the
    scripted upstream cannot be reached; failures of traffic are counted, not raised.
    """
    loop = asyncio.get_running_loop()
    summary = Summary()
    slots = {True: asyncio.Semaphore(REAL_CONCURRENCY), False: asyncio.Semaphore(CONCURRENCY)}
    client = openai.AsyncOpenAI(
        base_url=f"{kilter_url.rstrip('/')}/v1", api_key="demo", max_retries=0, timeout=REQUEST_TIMEOUT_S
    )
    await _begin(scripted_url, BEFORE)
    started, number, reported_s = loop.time(), 0, 0.0
    async with client, asyncio.TaskGroup() as group:
        while (elapsed_s := loop.time() - started) < seconds:
            summary.elapsed_s = elapsed_s
            if summary.period == "before" and elapsed_s >= seconds / 2:
                if at_change:
                    await at_change()
                summary.changed_at_exchange = await _begin(scripted_url, AFTER)
            if elapsed_s >= reported_s + 1:
                reported_s = elapsed_s
                report(summary)
            talk = conversation(seed, number, with_real=real_url is not None)
            number += 1
            slot = slots[talk.kind == "real"]
            # The real model is slow: what it has no room for is left out instead of holding up the rest.
            if talk.kind != "real" or not slot.locked():
                await slot.acquire()
                group.create_task(_hold(client, talk, summary, slot))
            await asyncio.sleep(started + number / rate_per_s - loop.time())
    summary.elapsed_s = loop.time() - started
    report(summary)
    return summary


async def _begin(scripted_url: str, phase: Phase) -> int:
    """Puts a phase in force from the next exchange on; returns that exchange's number."""
    described = dataclasses.asdict(phase)
    del described["from_exchange"]
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(f"{scripted_url.rstrip('/')}/_script", json={"phase": described}) as answer,
    ):
        return int((await answer.json())["from_exchange"])


async def _hold(client: openai.AsyncOpenAI, talk: Conversation, summary: Summary, slot: asyncio.Semaphore) -> None:
    """One conversation: its exchange, and what follows from the answers."""
    messages = list(talk.messages)
    if talk.kind == "real":
        messages[0] = {"role": "system", "content": REAL_SYSTEM_PROMPT}
    try:
        for _ in range(MAX_STEPS):
            message, label, exchange = await _exchange(client, talk, messages)
            summary.sent[Sent(summary.period_of(exchange), talk.kind, talk.language, talk.turns, label)] += 1
            if message.get("tool_calls"):
                messages.append(message)
                messages += [
                    {"role": "tool", "tool_call_id": call["id"], "content": TOOL_RESULTS[call["function"]["name"]]}
                    for call in message["tool_calls"]
                ]
            elif talk.kind != "retry" or label != "refusal":
                break
    except openai.OpenAIError as error:
        summary.failures[type(error).__name__] += 1
    finally:
        slot.release()


async def _exchange(
    client: openai.AsyncOpenAI, talk: Conversation, messages: list[dict[str, Any]]
) -> tuple[dict[str, Any], str, int | None]:
    """(the assistant's message, its label, the script's exchange). Tool conversations are not streamed."""
    request: dict[str, Any] = {
        "model": REAL_MODEL if talk.kind == "real" else "scripted",
        "messages": messages,
        "user": talk.user,
    }
    if talk.kind == "real":
        request["max_tokens"] = 48
    if talk.kind == "tools":
        request["tools"] = TOOLS
    elif talk.stream:
        request |= {"stream": True, "stream_options": {"include_usage": True}}
    raw = await client.chat.completions.with_raw_response.create(**request)
    label = raw.headers.get(LABEL_HEADER, NOT_SCRIPTED)
    exchange = int(raw.headers[EXCHANGE_HEADER]) if EXCHANGE_HEADER in raw.headers else None
    answer: Any = raw.parse()
    if "stream" not in request:
        return answer.choices[0].message.model_dump(exclude_none=True), label, exchange
    text = ""
    async for chunk in answer:
        text += "".join(choice.delta.content or "" for choice in chunk.choices)
    return {"role": "assistant", "content": text}, label, exchange
