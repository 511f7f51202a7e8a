"""The chart, judged by helm, by the Kubernetes schemas and by Kilter itself.

    pytest -m slow tests/deploy/test_helm.py

needs ``helm`` on the path, which comes neither from Debian nor from PyPI.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from real import program

from sidecar import config

CHART = Path(__file__).parents[2] / "deploy/helm/kilter"
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")

VALUES = {
    "a native sidecar, as it comes": {},
    "a plain container for an older cluster": {"layout": "container", "podMonitor": {"enabled": False}},
    "a gateway before a vendor": {
        "layout": "gateway",
        "upstream": "https://api.openai.com",
        "replicas": 3,
        "podDisruptionBudget": {"enabled": True},
    },
    "a volume and a baseline": {
        "persistence": {"enabled": True, "storageClass": "fast"},
        "baseline": {"configMap": "refusals"},
    },
    "vllm": {
        "upstream": "http://127.0.0.1:8000",
        "server": {
            "image": "vllm/vllm-openai:latest",
            "args": ["--model", "Qwen/Qwen2.5-7B-Instruct"],
            "port": 8000,
            "resources": {"limits": {"nvidia.com/gpu": 1}},
        },
        "nodeSelector": {"gpu": "yes"},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
    },
    "everything else": {
        "image": {"digest": "sha256:" + "0" * 64},
        "imagePullSecrets": [{"name": "pull"}],
        "config": {"workers": 2, "identity": {"app_header": "x-app", "apps": ["search", "mail"]}},
        "env": [{"name": "KILTER_LOG__LEVEL", "value": "debug"}],
        "podLabels": {"team": "ml"},
        "podAnnotations": {"a": "b"},
        "dashboards": {"enabled": True},
        "networkPolicy": {"enabled": False},
        "service": {"type": "LoadBalancer", "port": 8443},
    },
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def helm(*arguments, values=None):
    return subprocess.run(
        [program("helm"), *map(str, arguments), *(("-f", "-") if values is not None else ())],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )


def rendered(values, *more):
    done = helm("template", "r", CHART, *more, values=values)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def the(documents, kind):
    return next(document for document in documents if document["kind"] == kind)


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_and_the_kubernetes_schemas_find_no_fault(values, tmp_path):
    linted = helm("lint", "--strict", CHART, values=values)
    assert linted.returncode == 0, linted.stdout + linted.stderr
    manifests = tmp_path / "manifests.yaml"
    manifests.write_text(yaml.safe_dump_all(rendered(values)), "utf-8")
    validate = shutil.which("kubernetes-validate", path=str(Path(sys.executable).parent)) or program(
        "kubernetes-validate"
    )
    done = subprocess.run([validate, "--strict", manifests], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_configuration_in_the_chart_is_one_that_kilter_takes(values, tmp_path):
    path = tmp_path / "kilter.yaml"
    path.write_text(the(rendered(values), "ConfigMap")["data"]["kilter.yaml"], "utf-8")
    assert config.load(path, environ={}).upstream == values.get("upstream", "http://127.0.0.1:8080")


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_a_pod_has_time_for_its_drain_and_no_probe_asks_for_the_monitor(values):
    pod = the(rendered(values), "Deployment")["spec"]["template"]["spec"]
    kilter = next(one for one in [*pod.get("initContainers", []), *pod["containers"]] if one["name"] == "kilter")
    assert pod["terminationGracePeriodSeconds"] > 125
    assert kilter.get("restartPolicy") == ("Always" if values.get("layout", "sidecar") == "sidecar" else None)
    assert (kilter["livenessProbe"]["httpGet"]["path"], kilter["readinessProbe"]["httpGet"]["path"]) == (
        "/healthz",
        "/readyz",
    )


def test_rules_monitor_and_dashboards_are_those_of_the_project():
    root = CHART.parents[2]
    documents = rendered({"dashboards": {"enabled": True}}, *OPERATOR)
    names = {
        rule.get("alert") or rule.get("record")
        for group in the(documents, "PrometheusRule")["spec"]["groups"]
        for rule in group["rules"]
    }
    expected = {
        rule.get("alert") or rule.get("record")
        for path in (root / "deploy/prometheus/rules").glob("*.yaml")
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]
        for rule in group["rules"]
    }
    assert names == expected
    dashboards = next(d for d in documents if d["metadata"]["name"] == "r-dashboards")["data"]
    assert set(dashboards) == {path.name for path in (root / "grafana/dashboards").glob("*.json")}
    assert the(documents, "PodMonitor")["spec"]["podMetricsEndpoints"][0]["port"] == "admin"


def test_a_cluster_without_the_operator_gets_none_of_its_resources():
    assert not [document for document in rendered({}) if document["apiVersion"].startswith("monitoring.coreos.com")]


@pytest.mark.parametrize(
    ("values", "named"),
    [({"layout": "daemonset"}, "layout"), ({"upstream": "model:80"}, "upstream"), ({"replica": 2}, "replica")],
)
def test_values_that_are_wrong_are_refused_by_name(values, named):
    done = helm("template", "r", CHART, values=values)
    assert done.returncode != 0
    assert named in done.stderr
