"""The alert rules of Prometheus as Grafana provisions them.

* The rules are those of ``deploy/prometheus/rules``: expression, durations, labels and links are taken as they are. An
  alert fires there for every series that its expression returns, whatever the value; here an expression says so.
* Grafana's templates cannot ask the data source. Numbers that a text asks for become queries of the rule, matched to
  the alert by their labels; a list of them becomes a word that it is on the dashboard.
* Recording rules stay in Prometheus: RefusalRateChanged needs them there.
"""  # noqa: INP001 - beside the script that uses it, no package

from __future__ import annotations

import re
from pathlib import Path

import yaml
from panels import Json

RULES = Path(__file__).parents[1] / "deploy/prometheus/rules"
DATASOURCE_UID = "prometheus"
"""As in ``provisioning/datasources``."""
FOLDER = "Kilter"
INTERVAL = "30s"
"""As ``evaluation_interval`` in ``prometheus.yml``."""
QUERY, FOUND, FIRING = "query", "found", "firing"
_RANGE_S = 600

_PRINTF = r'query \(printf "((?:[^"\\]|\\.)*)"[^)]*\)'
_NUMBER = re.compile(r"\{\{ with " + _PRINTF + r" \}\}\{\{ \. \| first \| value \| ([^}]+) \}\}\{\{ end \}\}")
_LIST = re.compile(r"\{\{ range " + _PRINTF + r" \}\}.*?\{\{ end \}\}")
_VALUE = re.compile(r"\$value\b(?!s)")
_LABEL = re.compile(r"(\w+)=%q(?:, )?")
_AGGREGATION = re.compile(r"(sum|count)\((.*)\)", re.DOTALL)


def alert_rules() -> Json:
    """The whole provisioning file: one group for each group of Prometheus that has alerts."""
    groups = []
    for file in sorted(RULES.glob("*.yaml")):
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            rules = [_rule(rule) for rule in group["rules"] if "alert" in rule]
            if rules:
                groups.append(
                    {"orgId": 1, "name": group["name"], "folder": FOLDER, "interval": INTERVAL, "rules": rules}
                )
    return {"apiVersion": 1, "groups": groups}


def _rule(rule: Json) -> Json:
    texts = _Texts()
    annotations = {name: texts.converted(text) for name, text in rule["annotations"].items()}
    return {
        "uid": f"kilter-{rule['alert'].lower()}"[:40],
        "title": rule["alert"],
        "condition": FIRING,
        "data": [
            _asked(QUERY, rule["expr"]),
            *(_asked(name, expr) for expr, name in texts.numbers.items()),
            _expression(FOUND, "math", f"is_number(${QUERY}) || is_nan(${QUERY}) || is_inf(${QUERY})"),
            _expression(FIRING, "threshold", FOUND, conditions=[{"evaluator": {"type": "gt", "params": [0]}}]),
        ],
        "noDataState": "OK",
        # One alert says that the data source cannot be asked, not each.
        "execErrState": "Error" if rule["alert"] == "KilterGatewayDown" else "OK",
        "for": rule["for"],
        "keepFiringFor": rule.get("keep_firing_for", "0s"),
        "missing_series_evals_to_resolve": 1,
        "labels": rule["labels"],
        "annotations": annotations,
        "isPaused": False,
    }


def _asked(name: str, expr: str) -> Json:
    model = {"refId": name, "expr": expr, "instant": True, "range": False, "editorMode": "code"}
    times = {"from": _RANGE_S, "to": 0}
    return {"refId": name, "relativeTimeRange": times, "datasourceUid": DATASOURCE_UID, "model": model}


def _expression(name: str, kind: str, expression: str, **more: object) -> Json:
    model = {"refId": name, "type": kind, "expression": expression, **more}
    return {"refId": name, "datasourceUid": "__expr__", "model": model}


class _Texts:
    """Texts of one alert. ``numbers`` maps what they ask for to the name of its query."""

    def __init__(self) -> None:
        self.numbers: dict[str, str] = {}

    def converted(self, text: str) -> str:
        """As Grafana understands it."""
        text = _LIST.sub("on the dashboard", _NUMBER.sub(self._number, text))
        return _VALUE.sub(f"$values.{QUERY}.Value", text)

    def _number(self, found: re.Match[str]) -> str:
        name = self.numbers.setdefault(
            _for_every_series(found[1].replace('\\"', '"')), f"number{len(self.numbers) + 1}"
        )
        # A query without an answer would read as 0.
        return (
            f"{{{{ if $values.{name}.Labels }}}}{{{{ $values.{name}.Value | {found[2]} }}}}{{{{ else }}}}?{{{{ end }}}}"
        )


def _for_every_series(template: str) -> str:
    """What a text asks for of one alert, asked for all at once: labels of the alert are kept instead of matched.

    >>> _for_every_series('kilter_rate_reference{job=%q, instance=%q, behaviour="language_gap"}')
    'sum by (job, instance) (kilter_rate_reference{job="kilter", behaviour="language_gap"})'
    >>> _for_every_series("sum(increase(kilter_requests_total{job=%q, instance=%q}[5m]))")
    'sum by (job, instance) (increase(kilter_requests_total{job="kilter"}[5m]))'
    """
    labels = ", ".join(dict.fromkeys(_LABEL.findall(template)))
    whole = _AGGREGATION.fullmatch(template)
    function, inner = (whole[1], whole[2]) if whole else ("sum", template)
    matched = _LABEL.sub(lambda one: 'job="kilter", ' if one[1] == "job" else "", inner).replace(", }", "}")
    return f"{function} by ({labels}) ({matched})"
