"""The tool calls of a conversation, and which of them a result belongs to.

Events are told in the order of the conversation. A result is matched by its call id, else
by position among the calls of the last group that have no result yet: Gemini and Ollama
send no ids, and ids may be missing from a history that was cut.
"""

from __future__ import annotations

from typing import Literal

from detectors.records.exchange import ToolEvent

Origin = Literal["client", "server"]


class ToolLedger:
    """One conversation.

    >>> ledger = ToolLedger()
    >>> ledger.begin_message()
    >>> _ = ledger.call("search", "c1"), ledger.call("read", "c2")
    >>> event = ledger.result("c2")
    >>> event.name, event.parallel_group
    ('read', 0)
    """

    def __init__(self) -> None:
        self._group = -1
        self._group_open = False
        self._by_id: dict[str, tuple[str, int]] = {}
        self._waiting: list[tuple[str, str]] = []  # (id, name) of the last group's calls without a result

    def begin_message(self) -> None:
        """An assistant message begins: its calls, if it makes any, are a group of their own."""
        self._group_open = False

    def call(self, name: str, call_id: str = "", origin: Origin = "client", choice: int = 0) -> ToolEvent:
        """The model called ``name``."""
        if not self._group_open:
            self._group += 1
            self._group_open = True
            self._waiting = []
        if call_id:
            self._by_id[call_id] = (name, self._group)
        self._waiting.append((call_id, name))
        return ToolEvent("call", name, call_id, origin, self._group, choice)

    def result(
        self,
        call_id: str = "",
        name: str = "",
        origin: Origin = "client",
        choice: int = 0,
        is_error: bool = False,
    ) -> ToolEvent:
        """A result came. ``name`` is what the result itself says; the call's own name is preferred."""
        called = self._by_id.get(call_id) if call_id else None
        if called is None:
            called = self._by_position(name)
        else:
            self._answered(call_id)
        called_name, group = called
        return ToolEvent("result", called_name or name, call_id, origin, group, choice, is_error)

    def _by_position(self, name: str) -> tuple[str, int]:
        # Calls that nobody showed us (the history lives on the server) were a group too.
        self._group = max(self._group, 0)
        at = next((i for i, (_, called) in enumerate(self._waiting) if not name or called == name), None)
        return (name, self._group) if at is None else (self._waiting.pop(at)[1], self._group)

    def _answered(self, call_id: str) -> None:
        at = next((i for i, (waiting_id, _) in enumerate(self._waiting) if waiting_id == call_id), None)
        if at is not None:
            del self._waiting[at]
