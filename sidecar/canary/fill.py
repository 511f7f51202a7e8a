"""``{slot}`` in texts and structures, replaced by what was drawn.

A text that is one slot and nothing else becomes the slot's value with its kind, so that
``{gt: "{limit}"}`` compares numbers. ``{{word}}`` stands for ``{word}`` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_SLOT = re.compile(r"\{\{([a-z_][a-z0-9_]*)\}\}|\{([a-z_][a-z0-9_]*)\}")


def filled(node: Any, values: Mapping[str, Any]) -> Any:
    """``node`` with every known slot replaced; unknown ones stay as they are.

    >>> filled({"gt": "{limit}", "note": "over {limit} EUR"}, {"limit": 50})
    {'gt': 50, 'note': 'over 50 EUR'}
    """
    if isinstance(node, str):
        whole = _SLOT.fullmatch(node)
        if whole and whole[2] in values:
            return values[whole[2]]
        return _SLOT.sub(lambda m: f"{{{m[1]}}}" if m[1] else str(values.get(m[2], m[0])), node)
    if isinstance(node, dict):
        return {filled_text(key, values): filled(value, values) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [filled(item, values) for item in node]
    return node


def filled_text(text: str, values: Mapping[str, Any]) -> str:
    """``filled`` for what stays a text."""
    return str(filled(text, values))


def slots_in(node: Any) -> Iterator[str]:
    """Names of all slots below ``node``."""
    if isinstance(node, str):
        yield from (match[2] for match in _SLOT.finditer(node) if match[2])
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from slots_in(key)
            yield from slots_in(value)
    elif isinstance(node, list | tuple):
        for item in node:
            yield from slots_in(item)
