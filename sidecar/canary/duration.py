"""Lengths of time as people write them: ``7d``, ``12h``, ``30m``."""

from __future__ import annotations

import re

_UNITS_S = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_FORM = re.compile(r"([1-9]\d{0,4})([mhdw])")


def checked(text: str) -> str:
    """``text`` itself. ValueError where it is no duration."""
    if not _FORM.fullmatch(text):
        raise ValueError("need a duration such as 7d, 12h or 30m")
    return text


def seconds(text: str) -> int:
    """Its length.

    >>> seconds("7d")
    604800
    """
    match = _FORM.fullmatch(checked(text))
    return int(match[1]) * _UNITS_S[match[2]] if match else 0
