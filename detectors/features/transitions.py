"""From tool to tool: what the model called next, whether it goes round in circles, what is new.

Rules of this file
* A transition leads from the last result that the model was shown to the tool it calls now, or to
  ``answer`` where it calls none; it belongs to this exchange, so each is counted once.
* Arguments are not in sight: a loop is told by names alone, and only where few tasks need as many
  calls of one kind in a row.
* What has been seen is bounded; past the bound nothing counts as new, so that a client that
  invents tool names cannot raise alarms for ever.
"""

from __future__ import annotations

from detectors.features.tools import results_since_human
from detectors.records.exchange import Exchange

START, ANSWER = "start", "answer"
SAME_IN_A_ROW = 6
"""Results of one tool in a row from which it is a loop."""
PAIRS_IN_A_ROW = 4
"""Rounds of two tools in turn from which it is a loop."""

Transition = tuple[str, str]


def transitions(exchange: Exchange) -> tuple[Transition, ...]:
    """From the last result's tool (``start`` without one) to each tool that choice 0 calls, or to ``answer``."""
    names = results_since_human(exchange)
    source = names[-1] if names else START
    calls = [
        event.name
        for message in exchange.output_messages[:1]
        for event in message.tool_events
        if event.kind == "call" and event.origin == "client"
    ]
    return tuple((source, name) for name in dict.fromkeys(calls)) or ((source, ANSWER),)


def loops(exchange: Exchange) -> bool:
    """Whether the results since the human spoke end in one tool, or two in turn, over and over."""
    names = results_since_human(exchange)
    last = names[-SAME_IN_A_ROW:]
    if len(last) == SAME_IN_A_ROW and len(set(last)) == 1:
        return True
    turns = names[-2 * PAIRS_IN_A_ROW :]
    return len(turns) == 2 * PAIRS_IN_A_ROW and len(set(turns[::2])) == 1 == len(set(turns[1::2]))


class SeenTransitions:
    """Which transitions of which model have been seen; at most ``most`` are remembered."""

    def __init__(self, most: int = 10_000) -> None:
        if most < 1:
            raise ValueError(f"need most >= 1, got {most}")
        self._seen: set[tuple[str, Transition]] = set()
        self._most = most

    def first_seen(self, model: str, transition: Transition) -> bool:
        """Whether this is the first time, and remember it. False once the memory is full."""
        if (model, transition) in self._seen or len(self._seen) >= self._most:
            return False
        self._seen.add((model, transition))
        return True
