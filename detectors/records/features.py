"""What one exchange shows, before anything is counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Label = Literal["refusal", "hollow_refusal", "compliance", "empty", "aborted"]
LABELS: tuple[Label, ...] = get_args(Label)
"""The one label set of every metric, table and page."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """How one answer reads: ``marker`` says refusal-like words, ``delivered`` says the
    requested content is there. ``decided_by`` names the rule, never quotes the text.
    """

    label: Label
    marker: bool
    delivered: bool
    decided_by: str


@dataclass(frozen=True, slots=True)
class Features:
    """``judgements`` holds one entry a choice. ``language`` is a BCP-47 base tag of what
    the human wrote, or ``und``. ``length_stratum`` is ``1``, ``2-3``, ``4-7``, ``8-15``,
    ``16+`` or ``unknown``. ``tool_sequence`` is the last two tools since the last human
    turn (``none``, ``search``, ``search>send_email``); ``tool_state`` one of ``no_tools``,
    ``offered``, ``called``, ``after_result``, ``after_error``.

    What follows needs exchanges before this one, and is as here where none are remembered.
    ``attempt``: how often this user has made this request, this time included; None where no
    identity exists (``no_user_key``) or the input is too short to tell. ``refused_before``: all
    earlier attempts were refused, so that this answer is one trial of persistence. ``returning``: this user
    has asked something before that is still remembered, so that this input could repeat it.
    ``complied_after_refusal``: the conversation's last answer refused, and this one did not; None
    where the last one did not refuse. ``first_seen_transitions``: as ``search>send_email``.
    ``tool_loop``: the same one or two tools over and over since the human spoke.
    """

    judgements: tuple[Judgement, ...]
    language: str
    response_language: str
    length_stratum: str
    tool_sequence: str
    tool_state: str
    attempt: int | None = None
    refused_before: bool = False
    returning: bool = False
    complied_after_refusal: bool | None = None
    first_seen_transitions: tuple[str, ...] = ()
    tool_loop: bool = False
