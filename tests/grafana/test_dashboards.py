"""The dashboards: equal to what their generator writes, and made as Grafana wants them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from detectors.records.verdict import STATES
from detectors.stats.rate_gap import GAP_STATES
from sidecar.export.canaries import GAP_STATES as CANARY_GAP_STATES
from sidecar.export.verdicts import BASELINE_STATES

GRAFANA = Path(__file__).parents[2] / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))


QUESTIONS = {
    "behaviour": "Kilter: is the behaviour in control?",
    "canaries": "Kilter: what do the canaries say?",
    "health": "Kilter: is the sidecar healthy?",
}
UNITS = {"none", "short", "percentunit", "reqps", "cps", "s", "bytes"}
"""Units of Grafana that are used; a misspelt one is shown as text behind each number."""


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dashboard(request):
    return json.loads(request.param.read_text(encoding="utf-8"))


def test_the_files_are_what_the_generator_writes(tmp_path):
    generator = [sys.executable, "-B", str(GRAFANA / "generate.py"), str(tmp_path)]
    subprocess.run(generator, check=True)
    shipped = [*FILES, GRAFANA / "provisioning/alerting/kilter.yaml"]
    written = {path.relative_to(tmp_path): path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {path.relative_to(GRAFANA): path.read_text("utf-8") for path in shipped}, (
        "run grafana/generate.py"
    )


def test_every_panel_has_a_title_a_description_that_says_how_to_read_it_and_a_unit(dashboard):
    for panel in panels(dashboard):
        assert panel["title"]
        assert len(panel["description"]) > 30, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]


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


def test_titles_are_the_questions_and_no_two_panels_of_a_dashboard_have_the_same():
    titles = {path.stem: json.loads(path.read_text("utf-8"))["title"] for path in FILES}
    assert titles == QUESTIONS
    for path in FILES:
        found = [panel["title"] for panel in json.loads(path.read_text("utf-8"))["panels"]]
        assert len(set(found)) == len(found)


def test_alarms_pauses_and_changes_of_the_model_are_marked_in_every_dashboard(dashboard):
    marks = {mark["name"]: mark for mark in dashboard["annotations"]["list"]}
    assert {"Alarms", "Pauses", "Changes of the model"} <= marks.keys()
    for mark in marks.values():
        assert mark["enable"]
        assert mark["titleFormat"]
        assert 'job=~"$job"' in mark["expr"]


def test_every_variable_that_a_query_uses_is_declared_and_follows_the_job(dashboard):
    declared = {one["name"]: one for one in dashboard["templating"]["list"]}
    texts = [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]
    texts += [mark["expr"] for mark in dashboard["annotations"]["list"]]
    used = {name for text in texts for name in re.findall(r'"\$(\w+)"', text) if not name.isdigit()}
    assert used <= declared.keys()
    for name, one in declared.items():
        if name not in ("datasource", "job"):
            assert 'job=~"$job"' in one["query"]["query"]
            assert (one["allValue"], one["multi"], one["refresh"]) == (".+", True, 2)


def test_every_state_that_a_stratum_or_a_gap_can_be_in_has_its_number_word_and_colour():
    behaviour = json.loads((GRAFANA / "dashboards/behaviour.json").read_text("utf-8"))
    canaries = json.loads((GRAFANA / "dashboards/canaries.json").read_text("utf-8"))
    text = json.dumps(behaviour)
    for metric, states in (
        ("kilter_state", STATES),
        ("kilter_gap_state", GAP_STATES),
        ("kilter_baseline_state", BASELINE_STATES),
    ):
        shown = re.findall(rf'(\d) \* \({metric}\{{[^}}]*state=\\"(\w+)\\"', text)
        assert {state for _, state in shown} == set(states), metric
    shown = re.findall(r'kilter_canary_gap_state\{[^}]*state=\\"(\w+)\\"\} == 1\)', json.dumps(canaries))
    assert set(shown) == set(CANARY_GAP_STATES)
    timeline = next(panel for panel in behaviour["panels"] if panel["type"] == "state-timeline")
    words = {
        option["text"]
        for mapping in timeline["fieldConfig"]["defaults"]["mappings"]
        for option in mapping["options"].values()
    }
    assert words == {state.replace("_", " ") for state in STATES}


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
