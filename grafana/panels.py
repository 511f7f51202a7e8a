"""The parts of a dashboard: queries, panels, variables and their places.

Rules of these files:

* Classic JSON, which Grafana 10 and later load and the newer ones migrate by themselves.
  No ``__inputs``: file provisioning does not fill them in. The data source is a variable.
* Every panel has a title, a description that says how to read it, and a unit.
* Series scraped from Kilter are matched by job and instance. Recorded series are sums over
  instances and are matched by job alone.
* Rates take ``$__rate_interval``; numbers are rounded by their unit, not in the query.
"""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from typing import Any

Json = dict[str, Any]

DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
SCRAPED = 'job=~"$job", instance=~"$instance"'
RECORDED = 'job=~"$job", behaviour=~"$behaviour", model=~"$model"'
GREEN, AMBER, RED, BLUE = "green", "orange", "red", "blue"


def query(expr: str, legend: str = "", *, instant: bool = False) -> Json:
    """One target. ``instant``: the present value only, as a table row."""
    shape = {"instant": True, "range": False, "format": "table"} if instant else {"instant": False, "range": True}
    return {"datasource": DATASOURCE, "editorMode": "code", "expr": expr, "legendFormat": legend or "__auto", **shape}


def steps(*bounds: tuple[float | None, str]) -> Json:
    """Colours by value: each holds from its bound on; the first bound is None."""
    return {"mode": "absolute", "steps": [{"value": value, "color": colour} for value, colour in bounds]}


def panel(
    kind: str,
    title: str,
    description: str,
    unit: str,
    *targets: Json,
    size: tuple[int, int],
    defaults: Json | None = None,
    overrides: list[Json] | None = None,
    options: Json | None = None,
    transformations: list[Json] | None = None,
) -> Json:
    """A panel of ``size`` (width of 24, height); ``placed`` gives it its id and position."""
    return {
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": {"unit": unit, **(defaults or {})}, "overrides": overrides or []},
        "options": options or {},
        "targets": [{**target, "refId": chr(ord("A") + i)} for i, target in enumerate(targets)],
        "transformations": transformations or [],
    }


def stat(title: str, description: str, unit: str, expr: str, thresholds: Json, **defaults: Any) -> Json:
    """The present value, large."""
    return panel(
        "stat",
        title,
        description,
        unit,
        query(expr),
        size=(4, 4),
        defaults={"thresholds": thresholds, "color": {"mode": "thresholds"}, **defaults},
        options={"colorMode": "value", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}},
    )


def graph(title: str, description: str, unit: str, *targets: Json, stacked: bool = False, **extra: Any) -> Json:
    """Lines over time; ``stacked``: shares of a whole."""
    custom: Json = {"lineWidth": 1, "fillOpacity": 60 if stacked else 0, "showPoints": "never", "spanNulls": False}
    if stacked:
        custom["stacking"] = {"mode": "percent", "group": "A"}
    return panel(
        "timeseries",
        title,
        description,
        unit,
        *targets,
        size=(12, 8),
        defaults={"custom": custom, "min": 0},
        options={
            "legend": {"displayMode": "table", "placement": "right", "showLegend": True, "calcs": ["lastNotNull"]},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        **extra,
    )


def dashed(pattern: str) -> Json:
    """An override: series whose name fits are dashed."""
    style = {"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [6, 6]}}
    return {"matcher": {"id": "byRegexp", "options": pattern}, "properties": [style]}


def column(name: str, unit: str, **more: Any) -> Json:
    """An override: the unit of one column of a table."""
    properties = [{"id": "unit", "value": unit}, *({"id": key, "value": value} for key, value in more.items())]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def rate(metric: str, by: str = "", match: str = "") -> str:
    """Per second, summed by the labels named."""
    matchers = f"{SCRAPED}, {match}" if match else SCRAPED
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{matchers}}}[$__rate_interval]))"


def placed(rows: list[tuple[str, list[Json]]]) -> list[Json]:
    """Rows one below the other, each under its heading, panels from left to right."""
    made: list[Json] = []
    y = 0
    for heading, panels in rows:
        place = {"h": 1, "w": 24, "x": 0, "y": y}
        made.append({"type": "row", "title": heading, "collapsed": False, "panels": [], "gridPos": place})
        y, x = y + 1, 0
        for one in panels:
            width, height = one["gridPos"]["w"], one["gridPos"]["h"]
            if x + width > 24:
                x, y = 0, y + height
            one["gridPos"] = {"h": height, "w": width, "x": x, "y": y}
            made.append(one)
            x += width
        y += panels[-1]["gridPos"]["h"]
    return [{"id": number, **one} for number, one in enumerate(made, start=1)]


def variable(name: str, label: str, metric: str, current: str = "") -> Json:
    """A choice of the values that a label has now; all unless told otherwise."""
    chosen = {"text": [current], "value": [current]} if current else {"text": ["All"], "value": ["$__all"]}
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({metric}, {name})", "refId": f"Kilter-{name}"},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": chosen,
    }
