"""An answer that is one message made of blocks, which a stream names by their index: Anthropic's and Bedrock's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from detectors.records.exchange import Message, ToolEvent
from sidecar.wire.answer import Answer
from sidecar.wire.tool_ledger import ToolLedger

ReadTools = Callable[[dict[str, Any], ToolLedger], ToolEvent | None]
"""What a block does with tools, told to the ledger; None where it does nothing."""


class BlockAnswer(Answer):
    """A format's ``add`` fills in the blocks and, by the same index, their visible text; ``_begun`` where the message was there
    without any.
    """

    def __init__(self, tool_event: ReadTools) -> None:
        super().__init__()
        self._tool_event = tool_event
        self._begun = False
        self._blocks: dict[int, dict[str, Any]] = {}
        self._texts: dict[int, list[str]] = {}
        self._stop_reason: str | None = None

    def messages(self, ledger: ToolLedger) -> tuple[Message, ...]:
        """The one message, if any of it has come."""
        if not self._begun and not self._blocks:
            return ()
        ledger.begin_message()
        events = (
            self._tool_event(block, ledger) for _, block in sorted(self._blocks.items(), key=lambda pair: pair[0])
        )
        said = "".join("".join(texts) for _, texts in sorted(self._texts.items()))
        return (
            Message("assistant", said, tuple(event for event in events if event is not None), None, self._stop_reason),
        )
