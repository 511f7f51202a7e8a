"""The ``report`` section: what only the operator can say of the system that is watched, and what is waived."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field

from sidecar.config_section import Section

WAIVED = ("language", "group", "quadrant", "domain", "behaviour", "suite")
"""What a waiver can name, as ``language:sw``."""


def _what(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind not in WAIVED or not name:
        raise ValueError(f"need KIND:NAME, KIND one of {', '.join(WAIVED)}")
    return text


class Waiver(Section):
    """A part that is left unmeasured knowingly: by whom, why, and until when."""

    what: Annotated[str, AfterValidator(_what)] = Field(max_length=100)
    why: str = Field(min_length=1, max_length=1000)
    by: str = Field(min_length=1, max_length=100)
    until: date


class Report(Section):
    """Printed by `kilter report`. Kept in the evidence log as erasable words beside the chain."""

    system: str = Field("", max_length=200, description="Name of the system that the model serves.")
    purpose: str = Field("", max_length=1000, description="What it is for.")
    waivers: tuple[Waiver, ...] = Field(
        (), max_length=100, description="What is knowingly not measured: `{what: language:sw, why, by, until}`."
    )
