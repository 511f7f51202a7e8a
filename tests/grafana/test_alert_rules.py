"""Grafana's alert rules are those of Prometheus, in the shape that Grafana's provisioning reads.

No Grafana server was at hand: names and types of the fields are those of its own reader (`AlertRuleV1` and `QueryV1`).
"""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from real import program

ROOT = Path(__file__).parents[2]
FILE = yaml.safe_load((ROOT / "grafana/provisioning/alerting/kilter.yaml").read_text("utf-8"))
RULES = [rule for group in FILE["groups"] for rule in group["rules"]]
ALERTS = {
    rule["alert"]: rule
    for path in (ROOT / "deploy/prometheus/rules").glob("*.yaml")
    for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
FIELDS = {
    "uid": str,
    "title": str,
    "condition": str,
    "data": list,
    "noDataState": str,
    "execErrState": str,
    "for": str,
    "keepFiringFor": str,
    "missing_series_evals_to_resolve": int,
    "labels": dict,
    "annotations": dict,
    "isPaused": bool,
}
DURATION = r"(?:\d+[smhdw])+"
FUNCTIONS = {"humanizePercentage", "humanizeDuration", "humanize1024", "printf", "urlquery"}
"""Functions that the texts use and Grafana's templates have, as Prometheus's."""

each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["title"])


def asked(rule):
    return {one["refId"]: one["model"]["expr"] for one in rule["data"] if one["datasourceUid"] != "__expr__"}


def test_the_file_is_in_groups_that_grafana_can_load():
    assert FILE["apiVersion"] == 1
    for group in FILE["groups"]:
        assert group.keys() == {"orgId", "name", "folder", "interval", "rules"}
        assert int(group["interval"].removesuffix("s")) % 10 == 0, "Grafana evaluates every 10 s at most"
    assert len({group["name"] for group in FILE["groups"]}) == len(FILE["groups"])


def test_every_alert_of_prometheus_is_there_once_and_no_other():
    assert sorted(rule["title"] for rule in RULES) == sorted(ALERTS)
    assert len({rule["uid"] for rule in RULES}) == len(RULES)


@each_rule
def test_a_rule_has_the_fields_that_grafana_reads_each_of_its_type(rule):
    assert {name: type(value) for name, value in rule.items()} == FIELDS
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", rule["uid"])
    assert rule["noDataState"] in {"Alerting", "NoData", "OK"}
    assert rule["execErrState"] in {"Alerting", "Error", "OK"}
    assert re.fullmatch(DURATION, rule["for"])
    assert re.fullmatch(DURATION, rule["keepFiringFor"])


@each_rule
def test_a_rule_waits_as_prometheus_does_and_carries_the_same_labels_and_links(rule):
    alert = ALERTS[rule["title"]]
    assert (rule["for"], rule["labels"]) == (alert["for"], alert["labels"])
    assert rule["keepFiringFor"] == alert.get("keep_firing_for", "0s")
    assert rule["annotations"].keys() == alert["annotations"].keys()
    assert rule["annotations"]["runbook_url"] == alert["annotations"]["runbook_url"]
    assert asked(rule)["query"] == alert["expr"]


@each_rule
def test_whatever_the_expression_returns_fires_also_where_its_value_is_nought(rule):
    nodes = {one["refId"]: one for one in rule["data"]}
    assert all(one["model"]["refId"] == name for name, one in nodes.items())
    firing = nodes[rule["condition"]]["model"]
    assert (firing["type"], firing["conditions"]) == ("threshold", [{"evaluator": {"type": "gt", "params": [0]}}])
    found = nodes[firing["expression"]]["model"]
    assert found["type"] == "math"
    assert set(re.findall(r"\$(\w+)", found["expression"])) == {"query"}
    assert {"is_number", "is_nan", "is_inf"} == set(re.findall(r"(is_\w+)\(", found["expression"]))


@each_rule
def test_queries_are_instant_and_go_to_the_provisioned_source(rule):
    sources = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yaml").read_text("utf-8"))
    for one in rule["data"]:
        if one["datasourceUid"] != "__expr__":
            assert one["datasourceUid"] == sources["datasources"][0]["uid"]
            assert (one["model"]["instant"], one["model"]["range"]) == (True, False)
            assert one["relativeTimeRange"]["from"] > one["relativeTimeRange"]["to"] == 0


@each_rule
def test_a_text_asks_nothing_that_grafana_cannot_answer_and_each_number_is_a_query_of_the_rule(rule):
    for text in rule["annotations"].values():
        assert not re.search(r"\bquery \(|\$value\b(?!s)|%q", text), text
        assert text.count("{{") == text.count("}}")
        assert len(re.findall(r"\{\{ (?:if|with|range)\b", text)) == text.count("{{ end }}")
        assert set(re.findall(r"\| (\w+)", text)) <= FUNCTIONS
        assert set(re.findall(r"\$values\.(\w+)", text)) <= asked(rule).keys()
    texts = " ".join(rule["annotations"].values())
    assert all(f"$values.{name}." in texts for name in asked(rule) if name != "query"), "a number that nobody shows"


def test_as_many_numbers_stand_in_a_text_as_in_that_of_prometheus():
    for rule in RULES:
        alert = ALERTS[rule["title"]]
        for name, text in rule["annotations"].items():
            singles = alert["annotations"][name].count("first | value")
            assert text.count("{{ else }}?{{ end }}") == singles, rule["title"]


def test_prometheus_understands_every_query(tmp_path):
    records = [
        {"record": f"check:{rule['title']}:{name}", "expr": expr}
        for rule in RULES
        for name, expr in asked(rule).items()
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": records}]}), "utf-8")
    done = subprocess.run([program("promtool"), "check", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(records) > 3 * len(RULES) / 2


def test_the_example_of_compose_does_not_tell_everything_twice():
    mounts = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text("utf-8"))["services"]["grafana"]["volumes"]
    assert not [mount for mount in mounts if "alerting" in mount or mount.endswith(":/etc/grafana/provisioning:ro")]
