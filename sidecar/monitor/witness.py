"""Who is told of every command of a person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Witness(Protocol):
    """Is told of every command, as a record of the evidence log."""

    def __call__(self, kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
        """One command."""


def nobody(kind: str, data: Mapping[str, Any], payload: Mapping[str, Any] | None = None) -> None:
    """Nobody is told."""
