"""Items of the Responses API: messages, calls and their outputs, in a request and in an answer.

A call that the server runs itself (web search, MCP …) is call and result in one item.
Consecutive items of the model (its words, its reasoning, its calls) are one message.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from detectors.records.exchange import Message, Role, ToolEvent
from sidecar.wire.chat_message import content_text
from sidecar.wire.json_value import items, mapping, text
from sidecar.wire.tool_ledger import Origin, ToolLedger

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_RUN_BY_THE_SERVER = frozenset(
    ("web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call", "mcp_call")
)
_HISTORY_ELSEWHERE = frozenset(("item_reference", "compaction"))
_SILENT = frozenset(
    (
        "reasoning",
        "mcp_list_tools",
        "mcp_approval_request",
        "mcp_approval_response",
        "additional_tools",
        "compaction_trigger",
        "configuration_update",
    )
)
_VISIBLE = ("input_text", "output_text", "text")


def is_known(item: dict[str, Any]) -> bool:
    """Whether this file knows what the item is."""
    kind = kind_of(item)
    return kind == "message" or is_call(kind) or is_result(kind) or kind in _SILENT or kind in _HISTORY_ELSEWHERE


def kind_of(item: dict[str, Any]) -> str:
    """The item's type; a message, and a reference, may leave it out."""
    return text(item.get("type")) or ("message" if "role" in item else "item_reference" if "id" in item else "")


def is_call(kind: str) -> bool:
    """Whether an item of this type calls a tool."""
    return kind.endswith("_call") or kind == "program"


def is_result(kind: str) -> bool:
    """Whether an item of this type is what a tool gave back."""
    return kind.endswith("_output")


def message_text(item: dict[str, Any]) -> str:
    """Visible text of a message item."""
    return content_text(item.get("content"), _VISIBLE)


def message_refusal(item: dict[str, Any]) -> str:
    """Text of a message item's refusal parts."""
    content = item.get("content")
    return "" if isinstance(content, str) else content_text(content, ("refusal",), "refusal")


def events(item: dict[str, Any], ledger: ToolLedger) -> tuple[ToolEvent, ...]:
    """What the item does with tools, told to ``ledger``."""
    kind = kind_of(item)
    call_id = text(item.get("call_id")) or text(item.get("id"))
    name = text(item.get("name"))
    failed = bool(item.get("error")) or item.get("status") == "failed"
    by_server = kind in _RUN_BY_THE_SERVER or kind.startswith("program") or item.get("execution") == "server"
    origin: Origin = "server" if by_server else "client"
    if is_result(kind):
        return (ledger.result(call_id, name, origin, is_error=failed),)
    if not is_call(kind):
        return ()
    call = ledger.call(name or kind.removesuffix("_call"), call_id, origin)
    if kind in _RUN_BY_THE_SERVER:
        return (call, ledger.result(call_id, origin=origin, is_error=failed))
    return (call,)


@dataclass(slots=True)
class History:
    """The messages that a request's ``input`` shows."""

    messages: list[Message] = field(default_factory=list)
    elsewhere: bool = False
    unknown: int = 0


def history(sent: Any, ledger: ToolLedger) -> History:
    """Reads ``input``: a string, or items."""
    if isinstance(sent, str):
        return History([Message("user", sent)])
    read = History()
    run: list[dict[str, Any]] = []  # items of the model, not yet a message
    for item in items(sent):
        kind = kind_of(item)
        read.elsewhere = read.elsewhere or kind in _HISTORY_ELSEWHERE
        read.unknown += not is_known(item)
        role = _ROLES.get(text(item.get("role")), "system") if kind == "message" else None
        if role == "assistant" or is_call(kind):
            run.append(item)
        elif role is not None or is_result(kind):
            _end_run(run, read, ledger)
            output = item.get("content") if role else item.get("output")
            read.messages.append(Message(role or "tool", content_text(output, _VISIBLE), events(item, ledger)))
    _end_run(run, read, ledger)
    return read


def _end_run(run: list[dict[str, Any]], read: History, ledger: ToolLedger) -> None:
    if run:
        read.messages.append(assistant_message(run, ledger))
        run.clear()


def assistant_message(run: list[dict[str, Any]], ledger: ToolLedger, finish_reason: str | None = None) -> Message:
    """One message of the items that the model made in a row."""
    ledger.begin_message()
    return Message(
        role="assistant",
        text="".join(message_text(item) for item in run),
        tool_events=tuple(event for item in run for event in events(item, ledger)),
        refusal="".join(message_refusal(item) for item in run) or None,
        finish_reason=finish_reason,
    )


def moderation_stage(item: dict[str, Any]) -> str:
    """``input`` or ``output`` where an image was refused by policy, else nothing."""
    error = mapping(item.get("error"))
    return text(mapping(error.get("moderation_details")).get("moderation_stage"))
