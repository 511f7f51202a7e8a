"""A conversation in no provider's format: what a target translates and a judge reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Ended = Literal["complete", "length", "filtered", "error"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """``arguments`` is None where they were no JSON object."""

    id: str
    name: str
    arguments: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class User:
    """``images`` are paths of files."""

    text: str
    images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assistant:
    """The model's turn, spoken or scripted."""

    text: str
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """What a call got back, as text."""

    call_id: str
    name: str
    content: str


Message = User | Assistant | Result


@dataclass(frozen=True, slots=True)
class OfferedTool:
    """``parameters`` is a JSON Schema."""

    name: str
    description: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the model. ``refusal`` is a structured refusal's text (may be empty), None where
    there was none. ``error`` is a closed word (``connect``, ``timeout``, ``http_500``, ``cut``,
    ``not_json`` …) and means that nothing about the model was learnt.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    ended: Ended = "complete"
    refusal: str | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_s: float = 0.0
    model: str = ""
    fingerprint: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Transcript:
    """All replies of one case in order, and how it stopped: ``steps`` when the model still called
    tools at the last step allowed.
    """

    replies: tuple[Reply, ...]
    stopped: Literal["answered", "steps", "error"] = "answered"
    attempts: int = 1
    messages: tuple[Message, ...] = field(default=(), repr=False)

    @property
    def last(self) -> Reply:
        """The reply that counts."""
        return self.replies[-1]

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """Every call the model made."""
        return tuple(call for reply in self.replies for call in reply.calls)
