"""From tool to tool: what the model called next, whether it goes round in circles, what is new.

Rules of this file
* A transition leads from the last result that the model was shown to the tool it calls now, or to
  ``answer`` where it calls none; it belongs to this exchange, so each is counted once.
* Arguments are not in sight: a loop is told by names alone, and only where few tasks need as many
  calls of one kind in a row. Parallel calls are one step: asking six sources at once is no loop.
* A chain, all that the model does for one human turn, counts once: where it first goes in circles, or
  at the answer that ends it without.
* What has been seen is bounded; past the bound nothing counts as new, so that a client that
  invents tool names cannot raise alarms for ever.
"""

from __future__ import annotations

from collections.abc import Sequence

from detectors.features.tools import results_since_human, steps_since_human
from detectors.records.exchange import Exchange

START, ANSWER = "start", "answer"
SAME_IN_A_ROW = 6
"""Steps with one tool in a row from which it is a loop."""
PAIRS_IN_A_ROW = 4
"""Rounds of two tools in turn from which it is a loop."""

Transition = tuple[str, str]


def transitions(exchange: Exchange) -> tuple[Transition, ...]:
    """From the last result's tool (``start`` without one) to each tool that choice 0 calls, or to ``answer``."""
    names = results_since_human(exchange)
    source = names[-1] if names else START
    return tuple((source, name) for name in dict.fromkeys(_called(exchange))) or ((source, ANSWER),)


def loops(exchange: Exchange) -> bool:
    """Whether the steps since the human spoke end in one tool, or two in turn, over and over."""
    steps = _steps(exchange)
    return _in_a_loop(steps, len(steps))


def chain_looped(exchange: Exchange) -> bool | None:
    """True where a chain first goes in circles, False at the answer that ends one that never did.

    None anywhere else, so that a chain counts once; also where no tool has answered since the human spoke.
    """
    steps = _steps(exchange)
    if not steps or any(_in_a_loop(steps, end) for end in range(SAME_IN_A_ROW, len(steps))):
        return None
    if _in_a_loop(steps, len(steps)):
        return True
    return None if _called(exchange) else False


def _called(exchange: Exchange) -> list[str]:
    """The tools that choice 0 asks the client to run, by name."""
    return [
        event.name
        for message in exchange.output_messages[:1]
        for event in message.tool_events
        if event.kind == "call" and event.origin == "client"
    ]


def _steps(exchange: Exchange) -> list[frozenset[str]]:
    return [frozenset(step) for step in steps_since_human(exchange)]


def _in_a_loop(steps: Sequence[frozenset[str]], end: int) -> bool:
    """Whether the steps before ``end`` go in circles."""
    last = steps[max(0, end - SAME_IN_A_ROW) : end]
    if len(last) == SAME_IN_A_ROW and len(set(last)) == 1:
        return True
    turns = steps[max(0, end - 2 * PAIRS_IN_A_ROW) : end]
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
