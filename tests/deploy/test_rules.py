"""The shipped rules and configurations, judged by Prometheus's own tools."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from real import program

from detectors.catalog import behaviours

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy/prometheus"
RULE_FILES = sorted((PROMETHEUS / "rules").glob("*.yaml"))
RULES = [
    rule
    for path in RULE_FILES
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RUNBOOK = (ROOT / "deploy/README.md").read_text(encoding="utf-8")
PROMISED = {
    "KilterGatewayDown",
    "KilterTrafficErrors",
    "KilterMonitorDown",
    "CapturesDropped",
    "EvidenceNotKept",
    "EvidenceChainBroken",
    "MonitorLag",
    "VerdictsStale",
    "ClockSetBack",
    "BaselineUndetectable",
    "BehaviourDrift",
    "HollowRefusalRise",
    "ToolTransitionDrift",
    "PersistenceYield",
    "LanguageRefusalGap",
    "LanguageGapWatch",
    "LanguageGapWidening",
    "RefusalRateChanged",
    "FleetStoreDown",
    "FleetWithoutLeader",
    "FleetSidecarAlone",
    "FleetPartsLost",
    "FleetClockOffset",
}
"""Somebody routes and silences by these names: a name may come, none may go."""
SPEND_THE_BUDGET = {"BehaviourDrift", "HollowRefusalRise", "ToolTransitionDrift", "PersistenceYield"}
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
    assert said.count("SUCCESS") == 2 + len(RULE_FILES), said


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
    assert alert["labels"]["severity"] in {"critical", "warning", "info"}
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


def test_no_alert_that_was_promised_is_gone_and_none_is_there_twice():
    names = [alert["alert"] for alert in ALERTS]
    assert set(names) >= PROMISED
    assert len(set(names)) == len(names)


def test_the_runbook_says_of_every_alert_whether_it_spends_the_false_alarm_budget():
    rows = re.findall(r"^\| \[(\w+)\]\(#(\w+)\) \| (\w+) \| (\w+) \|", RUNBOOK, flags=re.MULTILINE)
    told = {name: (anchor, severity, budget) for name, anchor, severity, budget in rows}
    assert told == {
        alert["alert"]: (alert["alert"].lower(), alert["labels"]["severity"], alert["labels"]["budget"])
        for alert in ALERTS
    }


def test_what_spends_the_verdicts_budget_are_the_alerts_of_latched_alarms_and_they_do_not_wait():
    spending = [alert for alert in ALERTS if alert["labels"]["budget"] == "verdicts"]
    assert {alert["alert"] for alert in spending} == SPEND_THE_BUDGET
    for alert in spending:
        assert 'kilter_state{job="kilter", state="out_of_control"} == 1' in alert["expr"]
        assert alert["for"] == "0s"


def test_a_stratum_that_is_out_of_control_is_told_by_exactly_one_alert():
    """Of every behaviour and direction: the selectors of the alerts that spend the budget divide them among themselves."""
    taken = []
    for alert in ALERTS:
        if alert["labels"]["budget"] != "verdicts":
            continue
        told = re.findall(r'kilter_difference_ratio\{job="kilter", behaviour(=~|!~|=)"([^"]+)"\}', alert["expr"])
        side = re.findall(
            r'kilter_difference_ratio_high\{job="kilter", behaviour=~?"([^"]+)"\} (<=|>) 0', alert["expr"]
        )
        sides = {behaviour: sign for which, sign in side for behaviour in which.split("|")}
        for how, which in told:
            taken += [
                (behaviour.name, rises)
                for behaviour in behaviours()
                for rises in (True, False)
                if (behaviour.name in which.split("|")) != (how == "!~")
                and rises in {None: (True, False), ">": (True,), "<=": (False,)}[sides.get(behaviour.name)]
            ]
    assert sorted(taken) == sorted((behaviour.name, rises) for behaviour in behaviours() for rises in (True, False))


def test_the_file_for_the_operator_is_what_its_generator_writes_and_has_every_rule(tmp_path):
    written = tmp_path / "operator.yaml"
    subprocess.run([sys.executable, "-B", PROMETHEUS / "generate.py", written], check=True)
    shipped = PROMETHEUS / "operator.yaml"
    assert written.read_text("utf-8") == shipped.read_text("utf-8"), "run python deploy/prometheus/generate.py"
    monitor, rules = yaml.safe_load_all(shipped.read_text("utf-8"))
    assert [rule for group in rules["spec"]["groups"] for rule in group["rules"]] == RULES
    alone = tmp_path / "rules.yaml"
    alone.write_text(yaml.safe_dump(rules["spec"]), "utf-8")
    code, said = run("promtool", "check", "rules", alone)
    assert code == 0, said
    pods = next(
        d
        for d in yaml.safe_load_all((ROOT / "deploy/kubernetes/kilter.yaml").read_text("utf-8"))
        if d["kind"] == "Deployment"
    )
    template = pods["spec"]["template"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= template["metadata"]["labels"].items()
    ports = {
        port["name"]
        for one in (*template["spec"]["containers"], *template["spec"].get("initContainers", ()))
        for port in one.get("ports", ())
    }
    assert {endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]} <= ports


def test_the_page_shows_as_many_rules_as_promtool_finds():
    for path in RULE_FILES:
        groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        count = sum(len(group["rules"]) for group in groups)
        assert f"Checking deploy/prometheus/rules/{path.name}\n      SUCCESS: {count} rules found" in RUNBOOK, path.name
