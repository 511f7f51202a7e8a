"""The scripted model and its clients in one process, without sockets: exchanges as the monitor would see them.

Requests are those of the demo's traffic (or a test's own), answers are the scripted model's bytes, and the
monitor's own decoder reads them. Conversations and users carry plain names as their keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from detectors.features.extract import extract
from detectors.features.memory import Memory
from detectors.records.exchange import Exchange
from sidecar.demo import openai_chat
from sidecar.demo.attempts import Attempts
from sidecar.demo.scenario import MAX_STEPS
from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.traffic import TOOL_RESULTS, TOOLS, Conversation
from sidecar.gateway.capture import Capture
from sidecar.wire.base import decode

JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)


class ScriptedModel:
    """Answers by its script. ``exchanges`` counts; ``labels`` is the truth of the last answer. Captures are kept
    where ``captures`` is a list.
    """

    def __init__(self, script: Script | None = None, *, app: str = ""):
        self.script = script or Script()
        self.app = app
        self.exchanges = 0
        self.labels: tuple[str, ...] = ()
        self.captures: list[Capture] | None = None
        self._attempts = Attempts()

    def capture(self, body: dict[str, Any], conversation: str, at_s: float = 0.0) -> Capture:
        """One exchange as the relay would have copied it."""
        asked = openai_chat.FORMAT.read(body)
        outcome = self.script.outcome(asked, self.exchanges, self._attempts.number(asked.user, asked.prompt))
        self.exchanges += 1
        self.labels = outcome.labels
        if outcome.error_status is not None:
            status, answer = outcome.error_status, openai_chat.FORMAT.error(outcome.error_status, "overloaded")
        else:
            status = 200
            answer = (
                b"".join(openai_chat.FORMAT.frames(asked, outcome))
                if asked.stream
                else openai_chat.FORMAT.whole(asked, outcome)
            )
        return Capture(
            method="POST",
            path="/v1/chat/completions",
            request_headers=JSON,
            request_body=json.dumps(body).encode(),
            request_truncated=False,
            status=status,
            response_headers=SSE if asked.stream else JSON,
            response_body=answer,
            response_omitted=0,
            response_head_bytes=len(answer),
            started_at_s=at_s,
            request_sent_s=0.01,
            first_byte_s=0.2,
            finished_s=1.0,
            arrivals=((0, 0.2),),
            conversation_key=conversation,
            key_kind="first_message",
            user_key=asked.user or None,
            app=self.app,
            inclusion_probability=1.0,
            ended="complete",
            protocol="openai.chat",
        )

    def exchange(self, body: dict[str, Any], conversation: str, at_s: float = 0.0) -> Exchange:
        """The same, decoded."""
        capture = self.capture(body, conversation, at_s)
        if self.captures is not None:
            self.captures.append(capture)
        exchange = decode(capture)
        assert exchange is not None
        return exchange

    def hold(self, talk: Conversation, conversation: str, at_s: float = 0.0) -> Iterator[Exchange]:
        """One conversation of the demo's traffic: its exchange, and what follows from the answers."""
        messages = list(talk.messages)
        for step in range(MAX_STEPS):
            body: dict[str, Any] = {"model": "scripted", "messages": messages, "user": talk.user}
            if talk.kind == "tools":
                body["tools"] = TOOLS
            elif talk.stream:
                body |= {"stream": True}
            exchange = self.exchange(body, conversation, at_s + step)
            yield exchange
            called = [event for event in exchange.output_messages[0].tool_events if event.kind == "call"]
            if called:
                messages = [*messages, *_steps(called)]
            elif talk.kind != "retry" or self.labels != ("refusal",):
                return


def _steps(called):
    calls = [
        {"id": call.call_id, "type": "function", "function": {"name": call.name, "arguments": "{}"}} for call in called
    ]
    results = [
        {"role": "tool", "tool_call_id": call.call_id, "content": TOOL_RESULTS.get(call.name, "{}")} for call in called
    ]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


def refusing(**policy: Any) -> Script:
    """A script of one phase: ``refusing(refusal=1.0)``."""
    return Script(phases=(Phase(policy=Policy(**policy)),))


def seen(behaviour, exchanges):
    """(stratum, value) of whatever ``behaviour`` observes in ``exchanges``, each remembered by those after it."""
    memory = Memory(1)
    found = []
    for exchange in exchanges:
        features = memory.remember(exchange, extract(exchange))
        found += [(one.stratum, one.value) for one in behaviour.observe(exchange, features)]
    return found


def measured(behaviour, exchanges):
    """(stratum, value) of whatever ``behaviour`` measures."""
    return [
        (one.stratum, one.value) for exchange in exchanges for one in behaviour.measure(exchange, extract(exchange))
    ]
