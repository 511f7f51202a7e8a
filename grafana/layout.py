"""A dashboard from its panels: their places, the choices at its top, and what stands around them."""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

from panels import DATASOURCE, Json


def placed(rows: list[tuple[str, list[Json]]]) -> list[Json]:
    """Rows one below the other, each under its heading, panels from left to right."""
    made: list[Json] = []
    y = 0
    for heading, panels in rows:
        place = {"h": 1, "w": 24, "x": 0, "y": y}
        made.append({"type": "row", "title": heading, "collapsed": False, "panels": [], "gridPos": place})
        x, y, tallest = 0, y + 1, 0
        for one in panels:
            width, height = one["gridPos"]["w"], one["gridPos"]["h"]
            if x + width > 24:
                x, y, tallest = 0, y + tallest, 0
            one["gridPos"] = {"h": height, "w": width, "x": x, "y": y}
            made.append(one)
            x, tallest = x + width, max(tallest, height)
        y += tallest
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


def dashboard(uid: str, title: str, description: str, variables: list[Json], notes: list[Json], rows: Json) -> Json:
    """The whole, as Grafana loads it. ``rows`` maps headings to panels."""
    datasource = {"name": "datasource", "label": "Data Source", "type": "datasource", "query": "prometheus"}
    others = {"type": "dashboards", "tags": ["kilter"], "title": "Kilter", "asDropdown": False, "keepTime": True}
    return {
        "id": None,
        "uid": uid,
        "title": title,
        "description": description,
        "tags": ["kilter"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "links": [{**others, "icon": "external link", "includeVars": False, "targetBlank": False, "url": ""}],
        "templating": {
            "list": [
                datasource,
                variable("job", "job", "kilter_build_info"),
                variable("instance", "instance", 'kilter_build_info{job=~"$job"}'),
                *variables,
            ]
        },
        "annotations": {"list": notes},
        "panels": placed(list(rows.items())),
    }
