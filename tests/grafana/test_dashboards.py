"""The dashboards: equal to what their generator writes, and made as Grafana wants them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

GRAFANA = Path(__file__).parents[2] / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dashboard(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_the_files_are_what_the_generator_writes(tmp_path):
    generator = [sys.executable, "-B", str(GRAFANA / "generate.py"), str(tmp_path)]
    subprocess.run(generator, check=True)
    written = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}
    assert written == {path.name: path.read_text(encoding="utf-8") for path in FILES}


def test_every_panel_has_a_title_a_description_that_says_how_to_read_it_and_a_unit(dashboard):
    for panel in panels(dashboard):
        assert panel["title"]
        assert len(panel["description"]) > 30, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_ids_are_unique_and_no_two_panels_overlap(dashboard):
    every = dashboard["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    taken = [
        (x, y)
        for panel in every
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(taken)) == len(taken)
    assert all(x < 24 for x, _ in taken)


def test_the_data_source_is_a_variable_everywhere(dashboard):
    assert {"type": "datasource", "label": "Data Source"}.items() <= dashboard["templating"]["list"][0].items()
    parts = [*panels(dashboard), *dashboard["annotations"]["list"], *dashboard["templating"]["list"][1:]]
    parts += [target for panel in panels(dashboard) for target in panel["targets"]]
    assert {json.dumps(part["datasource"], sort_keys=True) for part in parts} == {
        '{"type": "prometheus", "uid": "${datasource}"}'
    }
    assert "__inputs" not in dashboard


def test_every_query_keeps_to_the_chosen_job_and_instance(dashboard):
    for panel in panels(dashboard):
        for target in panel["targets"]:
            for metric, matchers in re.findall(r"([a-zA-Z_][\w:]*)\{([^}]*)\}", target["expr"]):
                assert 'job=~"$job"' in matchers, target["expr"]
                recorded = ":" in metric or metric == "ALERTS"
                assert recorded or 'instance=~"$instance"' in matchers, target["expr"]


def test_every_rate_follows_the_scrape_interval(dashboard):
    expressions = [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    windows = [window for text in expressions for window in re.findall(r"\[(.+?)\]", text)]
    assert windows
    assert set(windows) == {"$__rate_interval"}


def test_the_dashboard_is_stable_and_provisioned(dashboard):
    assert re.fullmatch(r"kilter-[a-z]+", dashboard["uid"])
    assert dashboard["id"] is None
    assert dashboard["editable"] is False
    assert dashboard["schemaVersion"] >= 39
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/kilter.yaml").read_text(encoding="utf-8"))
    compose = (GRAFANA.parent / "deploy/compose.yaml").read_text(encoding="utf-8")
    assert f"../grafana/dashboards:{provider['providers'][0]['options']['path']}:ro" in compose


def test_the_source_scrapes_as_often_as_prometheus_does():
    source = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text(encoding="utf-8"))
    example = yaml.safe_load((GRAFANA.parent / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8"))
    assert source["datasources"][0]["jsonData"]["timeInterval"] == example["global"]["scrape_interval"]
