"""What a request asks, in the words of the Exchange, and what the formats ask in the same way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from detectors.records.exchange import HistoryComplete, Message, Role
from sidecar.wire.json_value import items, mapping, text

_HISTORY_ELSEWHERE = ("previous_response_id", "previous_interaction_id", "conversation")


@dataclass(slots=True)
class Request:
    """``stream`` is None where the body does not say. ``turns`` counts what the body shows;
    whether that is the whole history is ``history_complete``. ``unknown`` counts values
    that the format does not know. ``document`` is the body itself, empty if it is no object.
    """

    document: dict[str, Any]
    model: str | None
    messages: tuple[Message, ...]
    turns: int
    history_complete: HistoryComplete
    stream: bool | None
    tools_offered: tuple[str, ...]
    unknown: int = 0


def history(document: dict[str, Any], whole: bool) -> HistoryComplete:
    """Whether the body itself holds the whole conversation."""
    if not whole:
        return "unknown"
    return "no" if any(document.get(field) for field in _HISTORY_ELSEWHERE) else "yes"


def messages(document: dict[str, Any], roles: Mapping[str, Role]) -> tuple[list[tuple[Role, dict[str, Any]]], int]:
    """Each of the ``messages`` and whose it is, by the format's ``roles``; how many are of a role that the format does not
    know. Those count as ``system``, which is nobody's turn.
    """
    sent = [(roles.get(text(each.get("role"))), each) for each in items(document.get("messages"))]
    return [(role or "system", each) for role, each in sent], sum(role is None for role, _ in sent)


def model(document: dict[str, Any]) -> str | None:
    """The model asked for."""
    return text(document.get("model")) or None


def streamed(document: dict[str, Any], whole: bool) -> bool | None:
    """What the body says about streaming; false if it is whole and says nothing."""
    return document.get("stream") is True if whole or "stream" in document else None


def tools_offered(document: dict[str, Any]) -> tuple[str, ...]:
    """Names of the tools, else their types; an MCP server by its label."""
    named = (_tool_name(tool) for tool in items(document.get("tools")) + items(document.get("functions")))
    return tuple(name for name in named if name)


def _tool_name(tool: dict[str, Any]) -> str:
    own_type = text(tool.get("type"))
    return (
        text(tool.get("name"))
        or text(mapping(tool.get(own_type) or tool.get("function")).get("name"))
        or text(tool.get("server_label"))
        or text(tool.get("mcp_server_name"))
        or own_type
    )
