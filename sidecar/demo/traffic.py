"""The demo's conversations: many users, lengths, languages, tools, and users who try again.

Conversation n follows from the seed and n alone. Every one has its own first message, so
that no two of them are taken for one conversation.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

from sidecar.demo.language import Language, Topic, languages

Kind = Literal["chat", "tools", "retry", "real"]

USERS = 2000
LENGTHS = (1, 3, 5, 9, 17)
LANGUAGE_WEIGHTS = {"en": 30, "de": 12, "fr": 10, "es": 10, "tr": 10, "ru": 8, "zh": 8, "ja": 4, "sw": 4, "ar": 4}
SYSTEM_PROMPT = "You are the assistant of a household shop. Answer in the customer's language."


def _tool(name: str, description: str, argument: str) -> dict[str, Any]:
    parameters = {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


TOOLS = [
    _tool("search", "Searches the shop's pages.", "query"),
    _tool("read_page", "Reads one page.", "url"),
    _tool("send_email", "Sends an e-mail to the customer.", "text"),
]
TOOL_RESULTS = {
    "search": '{"pages": ["/care/1", "/care/2"]}',
    "read_page": '{"text": "Twenty minutes; water and a clean cloth."}',
    "send_email": '{"sent": true}',
}


@dataclass(frozen=True, slots=True)
class Conversation:
    """``messages`` end with a human turn, the ``turns``-th. ``retry``: the user asks again
    when refused. ``real``: for the real model.
    """

    kind: Kind
    user: str
    language: str
    turns: int
    stream: bool
    messages: list[dict[str, Any]]


def conversation(seed: int, number: int, *, with_real: bool = False) -> Conversation:
    """The ``number``-th conversation of the traffic.

    Of a hundred, 20 have tools and 5 are retries; with ``with_real`` 5 go to the real model.
    """
    rng = random.Random(f"{seed}|{number}")
    draw = rng.random()
    kind: Kind = "tools" if draw < 0.2 else "retry" if draw < 0.25 else "chat"
    if with_real and draw >= 0.95:
        kind = "real"
    tag = "en" if kind == "real" else rng.choices(list(LANGUAGE_WEIGHTS), list(LANGUAGE_WEIGHTS.values()))[0]
    turns = 1 if kind == "retry" else rng.choice(LENGTHS[:3] if kind == "real" else LENGTHS)
    messages = [{"role": "system", "content": SYSTEM_PROMPT}, *_messages(languages()[tag], turns, rng)]
    messages[1]["content"] += f" (#{number})"
    return Conversation(kind, f"user-{rng.randrange(USERS)}", tag, turns, rng.random() < 0.5, messages)


def _messages(language: Language, turns: int, rng: random.Random) -> list[dict[str, Any]]:
    """``turns`` human messages with the answers between them: a topic, its follow-ups, the next topic."""
    talk: list[Topic] = []
    while len(talk) < turns:
        talk += [rng.choice(language.topics), *rng.sample(language.follow_ups, k=2)]
    messages = []
    for part in islice(talk, turns):
        messages += [{"role": "user", "content": part.ask}, {"role": "assistant", "content": part.answer}]
    return messages[:-1]
