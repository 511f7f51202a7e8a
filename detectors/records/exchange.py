"""One request to a model and its answer, whatever wire format carried them.

Field names follow the OpenTelemetry GenAI conventions where those have a word for the
thing (``request_model``, ``finish_reasons``, ``input_tokens``); the rest is ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant", "tool"]
HistoryComplete = Literal["yes", "no", "unknown"]
Signal = Literal["policy_block_input", "policy_block_output", "model_refusal_structured"]
Ended = Literal["complete", "client_aborted", "upstream_cut"]


@dataclass(frozen=True, slots=True)
class ToolEvent:
    """A tool call of the model, or the result handed back to it.

    ``parallel_group`` numbers the assistant messages that made calls, from 0 through the
    conversation: all calls of one message, and their results, share it. ``choice`` is the
    index of the answer that made the call (0 for history). ``name`` is empty where the
    format gives none and no earlier call explains it.
    """

    kind: Literal["call", "result"]
    name: str
    call_id: str = ""
    origin: Literal["client", "server"] = "client"
    parallel_group: int = 0
    choice: int = 0
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """One message: visible text and tool events, in the order in which they were sent.

    ``text`` joins the visible text parts with nothing; reasoning, tool arguments and
    media are left out. ``refusal`` is the text of a structured refusal field.
    A message of role ``tool`` holds results only and is never a human turn.
    """

    role: Role
    text: str = ""
    tool_events: tuple[ToolEvent, ...] = ()
    refusal: str | None = None
    finish_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange. ``None`` means "not sent", never "zero".

    ``turns`` counts runs of human messages (a message made only of tool results is not
    one); ``None`` where the history lives on the server. ``output_messages`` holds one
    message a choice, in index order. Times are seconds; ``started_at_s`` is Unix time of
    the request's start. ``inclusion_probability`` is in (0, 1].
    """

    operation_name: str
    provider_name: str
    request_model: str | None = None
    response_model: str | None = None
    response_id: str | None = None
    conversation_id: str = ""
    input_messages: tuple[Message, ...] = ()
    output_messages: tuple[Message, ...] = ()
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    stream: bool = False
    error_type: str | None = None
    time_to_first_chunk_s: float | None = None
    duration_s: float = 0.0
    started_at_s: float = 0.0
    tools_offered: tuple[str, ...] = ()
    origin: Literal["live", "canary"] = "live"
    app: str = ""
    user_key: str | None = None
    inclusion_probability: float = 1.0
    truncated: bool = False
    ended: Ended = "complete"
    turns: int | None = None
    history_complete: HistoryComplete = "yes"
    signals: tuple[Signal, ...] = ()
    status: int = 200
    parse_unknown: int = 0

    @property
    def response_text(self) -> str:
        """Visible text of all choices in index order, joined with nothing."""
        return "".join(message.text for message in self.output_messages)

    @property
    def tool_events(self) -> tuple[ToolEvent, ...]:
        """Every call and result: the request's history by position, then the answer's."""
        messages = (*self.input_messages, *self.output_messages)
        return tuple(event for message in messages for event in message.tool_events)
