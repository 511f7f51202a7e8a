"""The parts of a dashboard: queries and panels.

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


def graph(
    title: str,
    description: str,
    unit: str,
    *targets: Json,
    stacked: bool = False,
    signed: bool = False,
    limits: tuple[float, ...] = (),
    **extra: Any,
) -> Json:
    """Lines over time; ``stacked``: shares of a whole; ``signed``: below 0 too; ``limits``: values at which a line is drawn."""
    custom: Json = {"lineWidth": 1, "fillOpacity": 60 if stacked else 0, "showPoints": "never", "spanNulls": False}
    if stacked:
        custom["stacking"] = {"mode": "percent", "group": "A"}
    defaults: Json = {"custom": custom}
    if not signed:
        defaults["min"] = 0
    if limits:
        custom["thresholdsStyle"] = {"mode": "dashed"}
        defaults["thresholds"] = steps((None, "transparent"), *((limit, RED) for limit in sorted(limits)))
    return panel(
        "timeseries",
        title,
        description,
        unit,
        *targets,
        size=(12, 8),
        defaults=defaults,
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


def band(low: str, high: str) -> list[Json]:
    """Overrides: the space between the series that fit ``low`` and ``high`` is filled, their lines are not drawn."""
    plain = [{"id": "custom.lineWidth", "value": 0}]
    filled = [*plain, {"id": "custom.fillBelowTo", "value": low}, {"id": "custom.fillOpacity", "value": 15}]
    return [
        {"matcher": {"id": "byName", "options": low}, "properties": plain},
        {"matcher": {"id": "byName", "options": high}, "properties": filled},
    ]


def named(values: dict[int, tuple[str, str]]) -> list[Json]:
    """Mappings: numbers that stand for states, with their word and colour."""
    options = {str(value): {"text": text, "color": colour, "index": value} for value, (text, colour) in values.items()}
    return [{"type": "value", "options": options}]


def timeline(
    title: str, description: str, target: Json, states: dict[int, tuple[str, str]], size: tuple[int, int]
) -> Json:
    """A row a series, coloured by state."""
    return panel(
        "state-timeline",
        title,
        description,
        "none",
        target,
        size=size,
        defaults={"mappings": named(states), "custom": {"fillOpacity": 80, "lineWidth": 0}},
        options={"showValue": "never", "mergeValues": True, "rowHeight": 0.9, "legend": {"showLegend": True}},
    )


def table(title: str, description: str, columns: list[tuple[str, str, Json]], size: tuple[int, int] = (24, 8)) -> Json:
    """A row a label set. ``columns``: heading, expression, and the column's unit and whatever else it sets."""
    letters = [chr(ord("A") + at) for at in range(len(columns))]
    return panel(
        "table",
        title,
        description,
        "none",
        *(query(expr, instant=True) for _, expr, _ in columns),
        size=size,
        overrides=[column(heading, **how) for heading, _, how in columns],
        options={"showHeader": True},
        transformations=[
            {"id": "merge", "options": {}},
            {
                "id": "organize",
                "options": {
                    "excludeByName": {"Time": True, "__name__": True},
                    "renameByName": {f"Value #{letter}": one[0] for letter, one in zip(letters, columns, strict=True)},
                },
            },
        ],
    )


def column(name: str, unit: str, **more: Any) -> Json:
    """An override: the unit of one column of a table."""
    properties: list[Json] = [{"id": "unit", "value": unit}]
    properties += [{"id": key, "value": value} for key, value in more.items()]
    return {"matcher": {"id": "byName", "options": name}, "properties": properties}


def rate(metric: str, by: str = "", match: str = "") -> str:
    """Per second, summed by the labels named."""
    matchers = f"{SCRAPED}, {match}" if match else SCRAPED
    return f"sum{f' by ({by})' if by else ''} (rate({metric}{{{matchers}}}[$__rate_interval]))"
