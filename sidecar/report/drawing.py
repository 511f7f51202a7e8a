"""Inline SVG for the HTML form: pictures that open offline, print in black and white, and say in words what they show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from markupsafe import Markup, escape

WIDTH, BAR = 720.0, 180.0
_LANES = ("watched", "drift", "variants", "configuration")
_LANE, _LEFT, _TOP = 22.0, 96.0, 6.0
_MOST_TICKS = 10


def timeline(document: Mapping[str, Any]) -> Markup:
    """The period from left to right: when behaviour was watched, what was out of control, what changed."""
    header = document["header"]
    begin, end = _unix(header["from"]), _unix(header["until"])

    def x(at: str) -> float:
        share = (_unix(at) - begin) / (end - begin)
        return round(_LEFT + (WIDTH - _LEFT) * min(max(share, 0.0), 1.0), 1)

    parts = [Markup('<text x="0" y="{}">{}</text>').format(_y(name) + 14, name) for name in _LANES]
    parts.append(_bar("on", _LEFT, WIDTH - _LEFT, "watched", "watched"))
    for gap in document["uptime"]["gaps"]:
        left, told = x(gap["from"]), f"{gap['why']}: {gap['from']} to {gap['until']}"
        kind = "part" if gap["why"] == "unrecorded" else "off"
        parts.append(_bar(kind, left, max(x(gap["until"]) - left, 1.5), "watched", told))
    for drift in document["drift"]:
        left = x(drift["changed_at"] or drift["alarmed_at"])
        until = x(drift["back_at"]) if drift["back_at"] else WIDTH
        told = f"{drift['behaviour']}, {drift['stratum']}: alarm at {drift['alarmed_at']}"
        parts.append(_bar("moved", left, max(until - left, 1.5), "drift", told))
        parts.append(_mark(x(drift["alarmed_at"]), "drift", told))
    parts += [_mark(x(one["at"]), "variants", f"{one['kind']}: {one['model']}") for one in document["variants"]]
    parts += [_mark(x(one["at"]), "configuration", f"changed at {one['at']}") for one in header["config_changes"]]
    parts += list(_days(begin, end, x))
    height = _TOP + _LANE * len(_LANES) + 20
    said = f"Time from {header['from']} to {header['until']}: {len(document['drift'])} drifts, {len(document['uptime']['gaps'])} gaps"
    return Markup('<svg class="timeline" role="img" viewBox="0 0 {} {}"><title>{}</title>{}</svg>').format(
        int(WIDTH), int(height), said, Markup("").join(parts)
    )


def interval(row: Mapping[str, Any], limit: str = "threshold") -> Markup:
    """A ratio with its interval on a scale from 0 to 1, and the limit it is held against."""
    if row.get("pass_ratio") is None:
        return Markup("")
    low, high, at = (round(BAR * row[name], 1) for name in ("low", "high", "pass_ratio"))
    needed = row.get(limit)
    line = (
        Markup('<line class="limit" x1="{0}" x2="{0}" y1="1" y2="15"/>').format(round(BAR * needed, 1))
        if needed
        else ""
    )
    said = f"{row['pass_ratio']:.2f}, from {row['low']:.2f} to {row['high']:.2f}"
    return Markup(
        '<svg class="bar" role="img" viewBox="0 0 {0} 16" width="{0}" height="16"><title>{1}</title>'
        '<rect class="scale" x="0" y="7" width="{0}" height="2"/><rect class="range" x="{2}" y="4" width="{3}" height="8"/>'
        '{4}<rect class="point" x="{5}" y="2" width="2.5" height="12"/></svg>'
    ).format(int(BAR), said, low, round(max(high - low, 2.0), 1), line, round(max(at - 1.25, 0.0), 1))


def share(ratio: float | None) -> Markup:
    """A share as a bar."""
    if ratio is None:
        return Markup("")
    return Markup(
        '<svg class="bar" role="img" viewBox="0 0 {0} 12" width="{0}" height="12"><title>{1}</title>'
        '<rect class="scale" x="0" y="5" width="{0}" height="2"/><rect class="range" x="0" y="2" width="{2}" height="8"/></svg>'
    ).format(int(BAR / 2), f"{100 * ratio:.1f} %", round(max(BAR / 2 * ratio, 0.5), 1))


def _y(lane: str) -> float:
    return _TOP + _LANE * _LANES.index(lane)


def _bar(kind: str, left: float, width: float, lane: str, told: str) -> Markup:
    return Markup('<rect class="{}" x="{}" y="{}" width="{}" height="14"><title>{}</title></rect>').format(
        kind, left, _y(lane) + 3, round(width, 1), told
    )


def _mark(at: float, lane: str, told: str) -> Markup:
    top = _y(lane) + 2
    points = f"{at},{top + 15} {at - 5},{top} {at + 5},{top}"
    return Markup('<polygon class="mark" points="{}"><title>{}</title></polygon>').format(points, told)


def _days(begin: float, end: float, x: Any) -> Iterator[Markup]:
    first = datetime.fromtimestamp(begin, UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    whole = max(int((end - first.timestamp()) // 86400) + 1, 0)
    step = max(1, -(-whole // _MOST_TICKS))
    for number in range(0, whole, step):
        day = first + timedelta(days=number)
        at = x(day.strftime("%Y-%m-%dT%H:%M:%SZ"))
        bottom = _TOP + _LANE * len(_LANES)
        yield Markup('<line class="day" x1="{0}" x2="{0}" y1="{1}" y2="{2}"/>').format(at, _TOP, bottom)
        yield Markup('<text class="tick" x="{}" y="{}">{}</text>').format(at + 2, bottom + 13, escape(f"{day:%d %b}"))


def _unix(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
