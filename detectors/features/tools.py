"""What the model had just done with tools when it was asked for this answer.

Rules of this file
* Only the request's history counts, never the answer: a stratum that depended on what the
  model did now would depend on the very outcome (a call is compliance by definition).
* "Since the last human turn": a message of role ``user`` that holds text starts a turn.
  Results carried in that same message belong to it, for they are the news it brings.
* A failed result is a state of its own: models that are told "error" decline far more often,
  and an outage of a tool must not read as a change of the model.
* Tool names come from the traffic; they are cut to ``NAME`` characters, and the shell folds
  what is past its top few.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Literal

from detectors.features.tool_error import reads_as_error
from detectors.records.exchange import Exchange, Message, ToolEvent

State = Literal["no_tools", "offered", "called", "after_result", "after_error"]
STATES: tuple[State, ...] = ("no_tools", "offered", "called", "after_result", "after_error")
NONE = "none"
NAME = 48
_UNNAMED = "unnamed"


def tool_state(exchange: Exchange) -> State:
    """``after_error`` and ``after_result``: the last result since the human spoke.
    ``called``: a call stands in the history, but no result since the human spoke.
    ``offered``: tools were offered and none has been called. ``no_tools``: the rest.
    """
    results = list(_results(exchange))
    if results:
        # Parallel calls come back together; one that failed is enough to be told of a failure.
        last = results[-1][0].parallel_group
        return (
            "after_error"
            if any(failed for event, failed in results if event.parallel_group == last)
            else "after_result"
        )
    if any(message.tool_events for message in exchange.input_messages):
        return "called"
    return "offered" if exchange.tools_offered else "no_tools"


def tool_sequence(exchange: Exchange) -> str:
    """The last two tools whose results the model has seen since the human spoke, in order:
    ``none``, ``search`` or ``search>send_email``.
    """
    return ">".join(results_since_human(exchange)[-2:]) or NONE


def results_since_human(exchange: Exchange) -> list[str]:
    """Names of the tools whose results the model has seen since the human spoke, in order."""
    return [event.name[:NAME] or _UNNAMED for event, _ in _results(exchange)]


def steps_since_human(exchange: Exchange) -> list[tuple[str, ...]]:
    """The same names, step by step: the results of calls that one message made in parallel are one step."""
    seen = ((event.parallel_group, event.name[:NAME] or _UNNAMED) for event, _ in _results(exchange))
    return [tuple(name for _, name in step) for _, step in groupby(seen, key=itemgetter(0))]


def _results(exchange: Exchange) -> Iterator[tuple[ToolEvent, bool]]:
    """Those since the human spoke, and whether each failed, by its format or, where that cannot say, its words."""
    messages = exchange.input_messages
    spoke = next((i for i in range(len(messages) - 1, -1, -1) if _is_human(messages[i])), 0)
    for message in messages[spoke:]:
        # The text of a message belongs to its result only where it holds nothing else.
        told = message.role == "tool" and len(message.tool_events) == 1 and reads_as_error(message.text)
        for event in message.tool_events:
            if event.kind == "result":
                yield event, event.is_error or told


def _is_human(message: Message) -> bool:
    return message.role == "user" and (bool(message.text) or not message.tool_events)
