"""The examples of gates say what exists: their YAML is whole, their command and options are Kilter's, Prometheus takes their queries."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml
from real import program

from sidecar import cli

GATES = Path(__file__).parents[2] / "deploy/examples/gates"
WORDS = {"{{ namespace }}": "models", "{{ target }}": "model-server", "{{args.pods}}": "model-server-.*"}


def documents(name):
    return list(yaml.safe_load_all((GATES / name).read_text("utf-8")))


def queries():
    for document in documents("flagger.yaml"):
        if document["kind"] == "MetricTemplate":
            yield document["spec"]["query"]
    for metric in documents("argo-rollouts.yaml")[0]["spec"]["metrics"]:
        yield metric["provider"]["prometheus"]["query"]


def test_the_workflow_compares_with_options_that_exist_and_a_failure_of_compare_fails_its_step():
    (workflow,) = documents("github-actions.yaml")
    (step,) = [step for step in workflow["jobs"]["compare"]["steps"] if "compare" in step.get("run", "")]
    assert step["shell"] == "bash"  # which GitHub runs with pipefail: `tee` must not hide what compare leaves with
    command = step["run"][step["run"].index("kilter ") :].replace("\\\n", " ")
    words = shlex.split(re.sub(r'"\$\([^)]*\)"', "NAME", command).split("|", 1)[0])
    compare = cli.main.get_command(None, "canary").get_command(None, words[2])
    known = {option for parameter in compare.params for option in parameter.opts}
    assert words[:3] == ["kilter", "canary", "compare"]
    assert {word for word in words if word.startswith("--")} <= known
    needed = {option for parameter in compare.params if parameter.required for option in parameter.opts}
    assert needed <= set(words) | {"--target"}


def test_flagger_refers_to_templates_that_are_there_and_fails_on_an_alarm_and_on_silence():
    made = documents("flagger.yaml")
    templates = {one["metadata"]["name"]: one for one in made if one["kind"] == "MetricTemplate"}
    (canary,) = [one for one in made if one["kind"] == "Canary"]
    ranges = {
        metric["templateRef"]["name"]: metric["thresholdRange"] for metric in canary["spec"]["analysis"]["metrics"]
    }
    assert set(ranges) == set(templates)
    assert ranges == {"kilter-out-of-control": {"max": 0}, "kilter-watching": {"min": 1}}


@pytest.mark.parametrize(("alarms", "watching"), [(0, 1), (2, 1), (0, 0), (None, None)])
def test_prometheus_answers_the_queries_with_what_the_gates_compare(tmp_path, alarms, watching):
    series, labels = [], '{namespace="models", pod="model-server-canary-1"'
    if alarms is not None:
        series = [
            {
                "series": f'kilter_state{labels}, stratum="{at}", state="out_of_control"}}',
                "values": "1" if at < alarms else "0",
            }
            for at in range(3)
        ]
        series.append({"series": f"kilter_monitor_up{labels}}}", "values": str(watching)})
    wanted = [alarms or 0, watching or 0] * 2
    told = []
    for query, value in zip(queries(), wanted, strict=True):
        filled = re.sub("|".join(map(re.escape, WORDS)), lambda word: WORDS[word.group()], query)
        told.append({"expr": filled, "eval_time": "0m", "exp_samples": [{"labels": "{}", "value": value}]})
    tests = {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": told}]}
    (tmp_path / "gates.yaml").write_text(yaml.safe_dump(tests))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(tmp_path / "gates.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
