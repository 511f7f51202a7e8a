"""A report's document as HTML, Markdown or JSON. The two for people are templates over the third."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Literal

from jinja2 import Environment, PackageLoader, StrictUndefined

from sidecar.report import drawing

Format = Literal["html", "md", "json"]
FORMATS: tuple[Format, ...] = ("html", "md", "json")
NOTHING = "-"
_TEMPLATES: Mapping[Format, str] = {"html": "report.html", "md": "report.md.jinja"}

_ESCAPED = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>|#"})


def render(document: Mapping[str, Any], form: Format) -> str:
    """The report, ending in a newline. Whatever came from people or servers is escaped."""
    if form == "json":
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    environment = _environment(html=form == "html")
    return environment.get_template(_TEMPLATES[form]).render(report=document, draw=drawing)


def _environment(*, html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("sidecar.report"),
        autoescape=html,  # noqa: S701  # Markdown escapes by `finalize` instead, whatever an expression gives
        finalize=None if html else _cell,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        percent=_percent, points=_points, number=_number, lasting=_lasting, words=_words, ratio=_ratio
    )
    return environment


def _percent(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{100 * ratio:.1f} %"


def _ratio(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.2f}"


def _points(difference: float | None) -> str:
    """Of a difference in [-1, 1]."""
    return NOTHING if difference is None else f"{100 * difference:+.1f}"


def _number(count: float | None) -> str:
    return NOTHING if count is None else f"{count:,.0f}".replace(",", "\u202f")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _lasting(seconds: float | None) -> str:
    """A stretch of time in one unit.

    >>> _lasting(90), _lasting(5400), _lasting(200_000), _lasting(None)
    ('1.5 min', '1.5 h', '2.3 d', '-')
    """
    if seconds is None:
        return NOTHING
    for unit, length in (("d", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"


def _cell(text: object) -> str:
    """Within a Markdown table: on one line, and without a meaning to Markdown or HTML."""
    return re.sub(r"\s+", " ", str(text)).translate(_ESCAPED)
