"""Headers of a capture, by name."""

from __future__ import annotations

from collections.abc import Iterable


def header(headers: Iterable[tuple[str, str]], name: str) -> str:
    """Value of ``name`` (lower case), repeated ones joined with a comma; empty where there is none."""
    return ", ".join(value for key, value in headers if key.lower() == name)
