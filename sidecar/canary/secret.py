"""The rotation secret: 32 bytes as hex, from the environment or a file. Nothing here repeats it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sidecar.canary.draws import SECRET_BYTES

VARIABLE = "KILTER_CANARY_SECRET"
"""Holds the secret, or the name of its file."""
INSTALLED = "canary_secret"
"""The file in the state directory that is made where none is named."""


class SecretError(Exception):
    """There is no such secret: ``str()`` is one line for a person."""


def named(file: Path | None, environ: Mapping[str, str]) -> bytes | None:
    """The secret that the environment or else ``file`` gives, None where neither is given."""
    given, place = environ.get(VARIABLE, ""), VARIABLE
    if "/" in given:  # the variable may name the file
        given, file = "", Path(given)
    if given:
        return parsed(given, place)
    return read(file) if file else None


def read(file: Path) -> bytes:
    """The secret that the file holds."""
    try:
        return parsed(file.read_text(encoding="ascii"), str(file))
    except (OSError, UnicodeDecodeError):
        raise SecretError(f"{file}: cannot be read") from None


def parsed(text: str, place: str) -> bytes:
    """The secret. ``place``: where it was given."""
    try:
        found = bytes.fromhex(text.strip())
    except ValueError:
        found = b""
    if len(found) != SECRET_BYTES:
        raise SecretError(f"{place}: need {SECRET_BYTES} bytes as hex")
    return found
