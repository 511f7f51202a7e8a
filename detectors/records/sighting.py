"""Who, when, and where in a conversation: what decides whether an exchange counts, without its outcome."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sighting:
    """One exchange as the statistics see it.

    ``conversation`` and ``user`` are keyed hashes, ``user`` None where nobody is named;
    ``recognised`` is False where the conversation's key is random because nothing identified it.
    ``turn`` is the number of human turns so far, None where it cannot be told. ``at_s`` is Unix time of
    the request's start. ``model`` is a label of a closed set, and ``language``, what the human wrote in, empty where nobody asked. ``response_id``, ``trace_id`` and ``app``
    let an operator find the exchange in logs of his own.
    """

    conversation: str
    model: str
    at_s: float
    turn: int | None = None
    user: str | None = None
    recognised: bool = True
    response_id: str = ""
    trace_id: str = ""
    app: str = ""
    language: str = ""
