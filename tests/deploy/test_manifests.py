"""The image's recipe, the compose file and the Kubernetes manifest, judged by their own tools and by Kilter."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from real import program

from sidecar import config

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes/kilter.yaml").read_text(encoding="utf-8")))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def the(kind):
    return next(document for document in KUBERNETES if document["kind"] == kind)


def pod():
    return the("Deployment")["spec"]["template"]["spec"]


def container(name):
    return next(one for one in pod()["containers"] if one["name"] == name)


def image_environment():
    block = re.search(r"^ENV (.*?[^\\])$", DOCKERFILE, flags=re.MULTILINE | re.DOTALL)[1]
    return dict(pair.split("=", 1) for pair in shlex.split(block.replace("\\\n", " ")))


def seconds(duration):
    return int(duration.removesuffix("s"))


@pytest.mark.parametrize(
    "command",
    [
        ["hadolint", DEPLOY / "Dockerfile"],
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"],
        ["kubernetes-validate", "--strict", DEPLOY / "kubernetes/kilter.yaml"],
    ],
    ids=lambda command: command[0],
)
def test_the_tools_find_no_fault(command):
    beside_python = shutil.which(command[0], path=str(Path(sys.executable).parent))
    tool = [beside_python or program(command[0]), *map(str, command[1:])]
    done = subprocess.run(tool, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_images_environment_is_a_configuration_that_listens_for_others():
    environment = image_environment()
    loaded = config.load(environ={**environment, "KILTER_UPSTREAM": "http://model:8080"})
    assert (loaded.listen, loaded.admin) == ("0.0.0.0:9400", "0.0.0.0:9401")
    assert str(loaded.state_dir) == environment["HOME"] == "/var/lib/kilter"
    assert re.search(r"^EXPOSE 9400 9401$", DOCKERFILE, flags=re.MULTILINE)


def test_the_image_runs_as_nobody_in_particular_and_checks_its_health_with_python():
    assert re.findall(r"^USER (.+)$", DOCKERFILE, flags=re.MULTILINE) == ["65532:65532"]
    assert "/healthz" in DOCKERFILE
    assert "curl" not in DOCKERFILE


def test_compose_gives_kilter_settings_that_it_knows():
    kilter = COMPOSE["services"]["kilter"]
    loaded = config.load(environ={**image_environment(), **kilter["environment"]})
    assert loaded.upstream == "http://model:8080"


def test_compose_leaves_streams_time_to_finish():
    services = COMPOSE["services"]
    drain_s = config.load(environ=services["kilter"]["environment"]).drain_s
    assert drain_s + 10 <= seconds(services["kilter"]["stop_grace_period"])
    assert drain_s + 10 <= seconds(services["model"]["stop_grace_period"])


def test_compose_publishes_on_the_loopback_only_and_hides_the_model_server():
    published = {name: service.get("ports", []) for name, service in COMPOSE["services"].items()}
    assert not published["model"]
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)


def test_compose_runs_kilter_without_any_privilege():
    kilter = COMPOSE["services"]["kilter"]
    assert kilter["read_only"]
    assert kilter["cap_drop"] == ["ALL"]
    assert kilter["security_opt"] == ["no-new-privileges:true"]
    assert kilter["user"] == "65532:65532"
    assert kilter["tmpfs"] == ["/tmp"]


def test_every_file_that_compose_mounts_is_there():
    mounts = [volume.split(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]]
    assert [mount for mount in mounts if mount.startswith(".") and not (DEPLOY / mount).is_dir()] == []


def test_the_config_map_is_a_configuration_that_kilter_accepts(tmp_path):
    path = tmp_path / "kilter.yaml"
    path.write_text(the("ConfigMap")["data"]["kilter.yaml"], encoding="utf-8")
    loaded = config.load(path, environ=image_environment())
    port = next(port["containerPort"] for port in container("model")["ports"] if port["name"] == "model")
    assert loaded.upstream == f"http://127.0.0.1:{port}"
    assert {"name": "config", "mountPath": "/etc/kilter", "readOnly": True} in container("kilter")["volumeMounts"]


def test_a_pod_has_time_to_drain(tmp_path):
    path = tmp_path / "kilter.yaml"
    path.write_text(the("ConfigMap")["data"]["kilter.yaml"], encoding="utf-8")
    asleep_s = int(re.search(r"sleep\((\d+)\)", container("kilter")["lifecycle"]["preStop"]["exec"]["command"][-1])[1])
    assert asleep_s + config.load(path, environ={}).drain_s + 10 <= pod()["terminationGracePeriodSeconds"]


def test_no_probe_asks_for_the_monitor_or_the_model_server():
    probes = {
        name: container("kilter")[name]["httpGet"] for name in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startupProbe": "/healthz",
        "livenessProbe": "/healthz",
        "readinessProbe": "/readyz",
    }
    assert {probe["port"] for probe in probes.values()} == {"admin"}


def test_the_pod_runs_kilter_without_any_privilege_on_a_root_it_cannot_write():
    context = container("kilter")["securityContext"]
    assert context["runAsNonRoot"]
    assert context["readOnlyRootFilesystem"]
    assert not context["allowPrivilegeEscalation"]
    assert context["capabilities"] == {"drop": ["ALL"]}
    writable = {mount["mountPath"] for mount in container("kilter")["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/var/lib/kilter", "/tmp"}
    assert pod()["automountServiceAccountToken"] is False


def test_the_service_sends_clients_to_kilter_and_not_past_it():
    assert [port["targetPort"] for port in the("Service")["spec"]["ports"]] == ["traffic"]
    assert {port["name"] for port in container("kilter")["ports"]} == {"traffic", "admin"}


def test_the_policy_lets_clients_reach_kilter_alone_and_prometheus_the_admin_port():
    policy = the("NetworkPolicy")["spec"]
    assert policy["podSelector"] == the("Deployment")["spec"]["selector"]
    assert policy["policyTypes"] == ["Ingress"]
    anybody, monitoring = policy["ingress"]
    assert anybody == {"ports": [{"port": "traffic"}]}
    assert monitoring["ports"] == [{"port": "admin"}]
    assert monitoring["from"] == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}]
