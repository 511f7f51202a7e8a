"""The status page: rendered here, works without JavaScript, loads nothing from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime

from jinja2 import Environment, PackageLoader, StrictUndefined

from sidecar.admin.status import Status, StratumStatus

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_BAR_PX = 160
_environment = Environment(
    loader=PackageLoader("sidecar.admin"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters["percent"] = lambda ratio: f"{100 * ratio:.1f} %"
_environment.filters["points"] = lambda difference: f"{100 * difference:+.1f}"
_environment.filters["clock"] = lambda at_s: datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
_environment.filters["counted"] = lambda number: f"{number:,.0f}".replace(",", "\u202f")


def bar(row: StratumStatus) -> dict[str, float]:
    """Where the rate and its interval stand on a bar, in its own units."""
    low, high = _BAR_PX * row.interval_low, _BAR_PX * row.interval_high
    return {
        "width": _BAR_PX,
        "x": round(low, 1),
        "span": round(max(high - low, 2.0), 1),
        "at": round(_BAR_PX * row.rate, 1),
    }


_environment.filters["bar"] = bar


def render(status: Status) -> str:
    """The page as HTML. Everything from traffic is escaped."""
    return _environment.get_template("status.html").render(status=status)
