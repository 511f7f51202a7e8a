"""The shipped rules and configurations, judged by Prometheus's own tools."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from real import program

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
ALERTS = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "rules/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
UNIT_TESTS = sorted((PROMETHEUS / "tests").glob("*.yaml"))


def run(*command):
    done = subprocess.run([program(command[0]), *map(str, command[1:])], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def anchors(markdown):
    """The anchors of a page's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def alert_tests(name):
    """The unit tests of an alert: what each expects."""
    tests = [test for path in UNIT_TESTS for test in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]]
    checks = [check for test in tests for check in test.get("alert_rule_test", ()) if check["alertname"] == name]
    return [check.get("exp_alerts") or [] for check in checks]


def test_prometheus_accepts_the_example_configuration_and_every_rule():
    code, said = run("promtool", "check", "config", PROMETHEUS / "prometheus.yml")
    assert code == 0, said
    assert said.count("SUCCESS") == 2 + 2, said


def test_alertmanager_accepts_the_example_configuration():
    code, said = run("amtool", "check-config", ROOT / "deploy/alertmanager/alertmanager.yml")
    assert code == 0, said


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
def test_the_rules_fire_and_keep_silent_as_their_unit_tests_say(path):
    code, said = run("promtool", "test", "rules", path)
    assert code == 0, said


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_is_tested_both_ways(alert):
    expected = alert_tests(alert["alert"])
    assert any(expected), "no test in which it fires"
    assert not all(expected), "no test in which it keeps silent"


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_says_how_urgent_it_is_what_it_means_and_what_to_do(alert):
    assert alert["for"]
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert alert["labels"]["component"]
    told = alert["annotations"]
    assert told["summary"]
    assert told["description"]
    page, _, anchor = told["runbook_url"].partition("#")
    assert anchor in anchors((ROOT / page).read_text(encoding="utf-8"))
    assert told["dashboard_url"].startswith("/d/kilter-")


def test_only_broken_traffic_wakes_somebody():
    pages = {alert["alert"] for alert in ALERTS if alert["labels"]["severity"] == "critical"}
    assert pages == {"KilterGatewayDown", "KilterTrafficErrors"}
