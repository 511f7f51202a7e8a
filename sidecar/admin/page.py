"""The status page: rendered here, works without JavaScript, loads nothing from elsewhere."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from sidecar.admin.drawing import EVIDENCE_PX, RATE_PX, percent
from sidecar.admin.status import Status
from sidecar.admin.view import view

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # with less, browsers would not say where a form comes from
    "X-Content-Type-Options": "nosniff",
}


def clock(at_s: float) -> str:
    """Unix seconds as a person reads them.

    >>> clock(1_700_000_000)
    '2023-11-14 22:13:20 UTC'
    """
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def counted(number: float) -> str:
    """A whole number with thin spaces.

    >>> counted(12345) == "12\u202f345"
    True
    """
    return f"{number:,.0f}".replace(",", "\u202f")


def points(difference: float) -> str:
    """A difference of rates in points, ``?`` where there is none.

    >>> points(-0.012), points(float("nan"))
    ('-1.2', '?')
    """
    return "?" if math.isnan(difference) else f"{100 * difference:+.1f}"


_environment = Environment(
    loader=PackageLoader("sidecar.admin"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(percent=percent, points=points, clock=clock, counted=counted)
_environment.filters["words"] = lambda name: name.replace("_", " ")
_environment.globals.update(RATE_PX=RATE_PX, EVIDENCE_PX=EVIDENCE_PX)


def render(status: Status, *, reloads: bool = False) -> str:
    """The page as HTML. Everything from traffic is escaped. ``reloads``: it will be loaded again by itself, so it has no forms."""
    return _environment.get_template("status.html").render(status=status, view=view(status), reloads=reloads)
