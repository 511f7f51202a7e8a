"""What becomes of an alert in the shipped Alertmanager configuration: by amtool, and by a real Alertmanager."""

import json
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
from monitoring import free_port
from real import program

CONFIG = Path(__file__).parents[2] / "deploy/alertmanager/alertmanager.yml"
BEHAVIOUR = {"component": "behaviour", "severity": "warning", "job": "kilter", "instance": "a:9401", "model": "m"}
DRIFT = {**BEHAVIOUR, "alertname": "BehaviourDrift", "behaviour": "refusal_by_length", "stratum": "4-7"}
GATEWAY = {"component": "gateway", "severity": "critical", "job": "kilter", "instance": "a:9401"}
MONITOR = {"component": "monitor", "severity": "warning", "job": "kilter", "instance": "a:9401"}
EVIDENCE = {"component": "evidence", "severity": "warning", "job": "kilter", "instance": "a:9401"}
FLEET = {"component": "fleet", "severity": "warning", "job": "kilter", "instance": "a:9401"}
LEADERLESS = {"alertname": "FleetWithoutLeader", "component": "fleet", "severity": "warning", "job": "kilter"}
GAP = {**BEHAVIOUR, "behaviour": "language_gap", "stratum": "tr"}

INHIBITED = [
    ({**GATEWAY, "alertname": "KilterGatewayDown"}, DRIFT),
    ({**GATEWAY, "alertname": "KilterTrafficErrors"}, DRIFT),
    ({"alertname": "ModelServerDown", "job": "kilter"}, DRIFT),
    ({"alertname": "ModelServerDown", "job": "kilter"}, {**DRIFT, "component": "canary", "alertname": "CanaryStale"}),
    ({**MONITOR, "alertname": "KilterMonitorDown"}, {**MONITOR, "alertname": "MonitorLag"}),
    (
        {**MONITOR, "alertname": "KilterMonitorDown"},
        {**MONITOR, "component": "capture", "alertname": "CapturesDropped"},
    ),
    ({**GATEWAY, "alertname": "KilterGatewayDown"}, {**MONITOR, "alertname": "KilterMonitorDown"}),
    ({**EVIDENCE, "alertname": "EvidenceChainBroken"}, {**EVIDENCE, "alertname": "EvidenceNotKept"}),
    (LEADERLESS, {**FLEET, "alertname": "FleetSidecarAlone"}),
    ({**FLEET, "alertname": "FleetStoreDown"}, {**FLEET, "alertname": "FleetSidecarAlone"}),
    ({**GAP, "alertname": "LanguageRefusalGap"}, {**GAP, "alertname": "LanguageGapWatch", "severity": "info"}),
]
TOLD = [
    ({**MONITOR, "alertname": "KilterMonitorDown"}, DRIFT),
    ({**MONITOR, "alertname": "KilterMonitorDown"}, {**MONITOR, "alertname": "MonitorLag", "instance": "b:9401"}),
    ({**GATEWAY, "alertname": "KilterGatewayDown"}, {**DRIFT, "job": "kilter-of-another-house"}),
    ({**GAP, "alertname": "LanguageRefusalGap"}, {**GAP, "alertname": "LanguageGapWatch", "stratum": "sw"}),
    (DRIFT, {**DRIFT, "behaviour": "hollow_refusal", "alertname": "HollowRefusalRise"}),
    ({**MONITOR, "alertname": "MonitorLag"}, DRIFT),
    ({**FLEET, "alertname": "FleetStoreDown"}, {**FLEET, "alertname": "FleetSidecarAlone", "instance": "b:9401"}),
]


def amtool(*arguments):
    done = subprocess.run([program("amtool"), *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pairs(labels):
    return [f'{name}="{value}"' for name, value in labels.items()]


class RunningAlertmanager:
    """``with RunningAlertmanager(dir) as manager``: the shipped configuration; nobody hears its messages."""

    def __init__(self, directory):
        self.directory = directory

    def __enter__(self):
        config = self.directory / "alertmanager.yml"
        config.write_text(CONFIG.read_text(encoding="utf-8").replace(".example:8080", ".invalid:9"), encoding="utf-8")
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        flags = (f"--config.file={config}", f"--storage.path={self.directory}", f"--web.listen-address={address}")
        with (self.directory / "log").open("wb") as log:
            command = [program("prometheus-alertmanager"), *flags, "--cluster.listen-address="]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while subprocess.run(
            [program("amtool"), *self._at("config", "show")], capture_output=True, check=False
        ).returncode:
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.1)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)

    def _at(self, *command):
        return *command, f"--alertmanager.url={self.url}"

    def add(self, labels):
        amtool(*self._at("alert", "add"), *pairs(labels))

    def shown(self, *flags):
        """Label sets of the alerts that ``amtool alert query`` shows with these flags."""
        return [one["labels"] for one in json.loads(amtool(*self._at("alert", "query", "--output=json"), *flags))]

    def until(self, labels, *flags):
        """Whether it comes to be shown within two seconds."""
        deadline = time.monotonic() + 2
        while labels not in self.shown(*flags):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ({**GATEWAY, "alertname": "KilterGatewayDown"}, "pages"),
        (DRIFT, "tickets"),
        ({**MONITOR, "alertname": "MonitorLag"}, "tickets"),
        ({"component": "canary", "severity": "warning", "alertname": "CanaryStale"}, "tickets"),
        ({"component": "canary", "severity": "info", "alertname": "RotationStale"}, "notes"),
        ({**GAP, "alertname": "LanguageGapWatch", "severity": "info"}, "notes"),
    ],
    ids=lambda case: case if isinstance(case, str) else case["alertname"],
)
def test_an_alert_goes_where_its_severity_says(labels, receiver):
    assert amtool("config", "routes", "test", f"--config.file={CONFIG}", *pairs(labels)).strip() == receiver


@pytest.fixture(scope="module")
def manager(tmp_path_factory):
    with RunningAlertmanager(tmp_path_factory.mktemp("alertmanager")) as running:
        yield running


def its_own(case, pair):
    """The pair in a job of its own, so that pairs know nothing of each other."""
    return [{**labels, "job": f"{labels['job']}-{case}"} for labels in pair]


@pytest.mark.parametrize(
    "case", range(len(INHIBITED)), ids=[f"{a['alertname']}>{b['alertname']}" for a, b in INHIBITED]
)
def test_while_the_cause_is_told_its_consequence_is_not(manager, case):
    cause, consequence = its_own(f"inhibited-{case}", INHIBITED[case])
    manager.add(cause)
    manager.add(consequence)
    assert manager.until(consequence, "--inhibited")
    assert manager.until(cause)
    assert consequence not in manager.shown()


@pytest.mark.parametrize("case", range(len(TOLD)), ids=[f"{a['alertname']}+{b['alertname']}" for a, b in TOLD])
def test_what_has_another_cause_is_told_all_the_same(manager, case):
    one, other = its_own(f"told-{case}", TOLD[case])
    manager.add(one)
    manager.add(other)
    assert manager.until(one)
    assert manager.until(other)


def test_strata_of_a_behaviour_and_model_are_one_message_and_models_and_behaviours_are_others(manager):
    strata = [{**DRIFT, "job": "grouping", "stratum": stratum} for stratum in ("1", "2-3", "4-7")]
    others = [
        {**DRIFT, "job": "grouping", "model": "other"},
        {**DRIFT, "job": "grouping", "behaviour": "tool_transition", "alertname": "ToolTransitionDrift"},
    ]
    for labels in (*strata, *others):
        manager.add(labels)
        assert manager.until(labels)
    with urllib.request.urlopen(f"{manager.url}/api/v2/alerts/groups?filter=job=%22grouping%22", timeout=5) as answer:
        groups = json.load(answer)
    assert sorted(len(group["alerts"]) for group in groups) == [1, 1, 3]
    assert {"model": "m", "behaviour": "refusal_by_length"} in [group["labels"] for group in groups]
