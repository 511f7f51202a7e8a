"""A request as the scripted model sees it, whatever wire format carried it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from sidecar.demo.language import language_of

ToolState = Literal["none", "offered", "after_result"]


class BadRequestError(ValueError):
    """The body is not a request of its format. The message names the field, never its value."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the request offers; ``schema`` is the JSON schema of its arguments."""

    name: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Item:
    """One step of a conversation: ``human`` and ``result`` come in, the others went out."""

    kind: Literal["human", "assistant", "calls", "result"]
    text: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """``turns`` counts runs of human messages. ``calls_made`` counts the assistant's messages
    with tool calls since the last human one. ``tool_choice`` is ``auto``, ``none``,
    ``required`` or ``tool:<name>``. ``seed`` is the request's own, or None.
    """

    model: str
    prompt: str
    language: str
    turns: int
    tools: tuple[Tool, ...]
    tool_choice: str
    tool_state: ToolState
    calls_made: int
    user: str
    stream: bool
    include_usage: bool
    choices: int
    seed: int | None
    input_tokens: int


def read_conversation(items: Iterable[Item]) -> tuple[str, int, int, bool]:
    """(last human text, human turns, calls since then, whether a tool result came last)."""
    prompt, turns, calls, last = "", 0, 0, ""
    for item in items:
        if item.kind == "human":
            prompt = f"{prompt}\n{item.text}" if last == "human" else item.text
            turns += last != "human"
            calls = 0
        elif item.kind == "calls":
            calls += 1
        last = item.kind
    return prompt, turns, calls, last == "result"


def asked(
    items: list[Item],
    *,
    model: str,
    tools: tuple[Tool, ...],
    tool_choice: str,
    user: str,
    stream: bool,
    include_usage: bool = False,
    choices: int = 1,
    seed: int | None = None,
) -> Asked:
    """Puts together what every wire format gives."""
    prompt, turns, calls, after_result = read_conversation(items)
    state: ToolState = "after_result" if after_result else "offered" if tools else "none"
    return Asked(
        model=model,
        prompt=prompt,
        language=language_of(prompt),
        turns=turns,
        tools=tools,
        tool_choice=tool_choice,
        tool_state=state,
        calls_made=calls,
        user=user,
        stream=stream,
        include_usage=include_usage,
        choices=choices,
        seed=seed,
        # A fixed rule of thumb: four characters a token, three tokens a message.
        input_tokens=sum(len(item.text) // 4 + 3 for item in items),
    )
