"""Each example is one that its own tool takes, and says the same in each of its files."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from chart import helm, rendered, the
from click.testing import CliRunner
from real import missing

from sidecar import cli, config

EXAMPLES = Path(__file__).parents[2] / "deploy/examples"
SERVERS = sorted(path.parent for path in EXAMPLES.glob("*/kilter.yaml"))
VENDORS = sorted(EXAMPLES.glob("vendors/*.yaml"))


def tool(name):
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name) or missing(f"{name} is not installed")


def read(path):
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "path",
    [*(server / "kilter.yaml" for server in SERVERS), *VENDORS],
    ids=lambda path: str(path.relative_to(EXAMPLES)),
)
def test_kilter_check_finds_each_configuration_fine(path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("KILTER_")]:
        monkeypatch.delenv(name)
    done = CliRunner().invoke(cli.main, ["check", str(path)])
    assert (done.exit_code, "fine" in done.output) == (0, True), done.output


@pytest.mark.parametrize("path", VENDORS, ids=lambda path: path.stem)
def test_a_vendor_is_asked_over_tls_and_by_its_own_name(path):
    loaded = config.load(path, environ={})
    assert loaded.upstream.startswith("https://")
    assert loaded.relay.rewrite_host


def test_the_chart_asks_a_vendor_by_its_own_name_unless_told_otherwise(tmp_path):
    gateway = {"layout": "gateway", "upstream": "https://api.openai.com"}
    for values, rewrites in (
        (gateway, True),
        ({**gateway, "config": {"relay": {"rewrite_host": False}}}, False),
        ({**gateway, "upstream": "http://model:8000"}, False),
        ({}, False),
    ):
        path = tmp_path / "kilter.yaml"
        path.write_text(the(rendered(values), "ConfigMap")["data"]["kilter.yaml"], "utf-8")
        assert config.load(path, environ={}).relay.rewrite_host == rewrites


def test_every_compose_file_is_one():
    files = [str(server / "compose.yaml") for server in SERVERS]
    done = subprocess.run(
        [tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("server", SERVERS, ids=lambda path: path.name)
def test_beside_a_server_kilter_alone_is_published_and_has_time_to_drain(server):
    loaded = config.load(server / "kilter.yaml", environ={})
    compose = read(server / "compose.yaml")
    model, kilter = compose["services"]["model"], compose["services"]["kilter"]
    assert {port.rpartition(":")[2] for port in model["ports"]} == {"9400", "9401"}
    assert all(port.startswith("127.0.0.1:") for port in model["ports"])
    assert loaded.drain_s + 10 <= int(kilter["stop_grace_period"].removesuffix("s"))
    assert int(kilter["stop_grace_period"].removesuffix("s")) < int(model["stop_grace_period"].removesuffix("s"))
    assert (kilter["read_only"], kilter["cap_drop"], kilter["user"]) == (True, ["ALL"], "65532:65532")
    assert (server / kilter["volumes"][0].split(":")[0]).is_file()
    assert (server / kilter["build"]["context"] / kilter["build"]["dockerfile"]).is_file()


@pytest.mark.parametrize("server", SERVERS, ids=lambda path: path.name)
def test_compose_and_chart_start_the_same_server_behind_the_same_configuration(server, tmp_path):
    values = read(server / "values.yaml")
    model = read(server / "compose.yaml")["services"]["model"]
    assert model["image"] == values["server"]["image"]
    assert model["command"] == [*values["server"].get("command", []), *values["server"]["args"]]
    assert values["upstream"] == f"http://127.0.0.1:{values['server']['port']}"
    port = re.search(r"--port (\d+)", " ".join(model["command"]))
    assert port is None or int(port[1]) == values["server"]["port"]
    path = tmp_path / "kilter.yaml"
    path.write_text(the(rendered(values), "ConfigMap")["data"]["kilter.yaml"], "utf-8")
    assert config.load(path, environ={}) == config.load(server / "kilter.yaml", environ={})


def test_kubernetes_takes_what_the_chart_makes_of_every_example(tmp_path):
    for server in SERVERS:
        linted = helm(
            "lint", "--strict", "--quiet", Path(EXAMPLES.parent / "helm/kilter"), values=read(server / "values.yaml")
        )
        assert linted.returncode == 0, linted.stdout + linted.stderr
        (tmp_path / f"{server.name}.yaml").write_text(
            yaml.safe_dump_all(rendered(read(server / "values.yaml"))), "utf-8"
        )
    done = subprocess.run(
        [tool("kubernetes-validate"), "--strict", *sorted(tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_envoy_takes_its_configuration():
    path = EXAMPLES / "envoy/envoy.yaml"
    done = subprocess.run(
        [tool("envoy"), "--mode", "validate", "-l", "error", "-c", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_neither_envoy_nor_istio_cuts_or_repeats_a_generation():
    listener = read(EXAMPLES / "envoy/envoy.yaml")["static_resources"]["listeners"][0]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    (route,) = manager["route_config"]["virtual_hosts"][0]["routes"]
    assert route["route"] == {"cluster": "kilter", "timeout": "0s"}
    service = next(yaml.safe_load_all((EXAMPLES / "istio/istio.yaml").read_text("utf-8")))
    (http,) = service["spec"]["http"]
    assert (http["timeout"], http["retries"]) == ("0s", {"attempts": 0})


def test_the_page_leads_to_every_example():
    pages = [(EXAMPLES / name).read_text("utf-8") for name in ("README.md", "ENVOY_AND_ISTIO.md")]
    linked = {link for page in pages for link in re.findall(r"\]\(([^)#]+)\)", page)}
    files = {str(path.relative_to(EXAMPLES)) for path in EXAMPLES.rglob("*") if path.is_file()}
    assert files - {"README.md"} <= linked
    for link in linked:
        assert (EXAMPLES / link).exists(), link
