"""``kilter power``: from a baseline's file, from a running Kilter's address, and before there is a baseline."""

import dataclasses
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner

from detectors.records.baseline import Baseline, Layer, Reference
from sidecar.commands.power import command
from sidecar.store.baseline_file import dumped

DAYS = 7


def reference(stratum="tr", rate=0.05, trials=7000, **fields):
    layers = (Layer(stratum, round(rate * trials), trials),)
    given = {"users": 400.0, "weight": 0.5, "odds_margin": 1.1, **fields}
    return Reference("refusal_by_language", stratum, "m", layers, over_dispersion=1.0, between_day_sd=math.nan, **given)


def baseline(*references):
    return Baseline(
        references=references,
        thresholds=(),
        tick_s=60.0,
        ticks=DAYS * 1440,
        days=DAYS,
        collected_from_s=0.0,
        collected_to_s=DAYS * 86400.0,
        promoted_at_s=DAYS * 86400.0,
        classifier="c",
        counting=1,
    )


@pytest.fixture
def file(tmp_path):
    def write(*references):
        path = tmp_path / "baseline.json"
        path.write_text(dumped(baseline(*references)), encoding="utf-8")
        return str(path)

    return write


def power(*arguments):
    return CliRunner().invoke(command, arguments, env={"COLUMNS": "160"})


def answers(*arguments, code=0):
    result = power(*arguments, "--json")
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_stratum_is_promised_a_time_that_follows_from_its_pace_of_trials(file):
    (one,) = answers(file(reference()), "--shift", "10")
    assert (one["behaviour"], one["stratum"], one["says"]) == ("refusal_by_language", "tr", "found")
    assert one["trials_per_day"] == pytest.approx(1000)
    assert one["promised_s"] == pytest.approx(86.4 * one["promised_trials"])
    assert 0 < one["median_s"] < one["promised_s"] < 2 * 86400


def test_twice_the_traffic_finds_it_in_about_half_the_time(file):
    path = file(reference())
    (usual,), (twice,) = (answers(path, "--shift", "10", "--traffic", factor) for factor in ("1", "2"))
    assert twice["trials_per_day"] == pytest.approx(2 * usual["trials_per_day"])
    assert 0.3 < twice["median_s"] / usual["median_s"] < 0.7


def test_each_stratum_is_told_apart_and_says_why_nothing_is_promised(file):
    path = file(
        reference("tr"),
        reference("sw", trials=60),
        reference("kk", users=12.0),
        reference("ja", rate=0.0),
    )
    said = {(one["stratum"], one["shift"]): one for one in answers(path, "--shift", "8", "--shift=-1")}
    assert said["tr", 0.08]["says"] == "found"
    assert said["sw", 0.08]["says"] == "undetectable"
    assert said["kk", 0.08]["says"] == "too_few_users"
    assert said["tr", -0.01]["says"] == "within_floor"
    assert said["ja", -0.01]["says"] == "no_such_rate"
    assert all(one["promised_s"] is None for one in said.values() if one["says"] != "found")


def test_the_table_shows_the_same(file):
    result = power(file(reference("tr"), reference("sw", trials=60)), "--shift", "10")
    assert result.exit_code == 0
    tr, sw = (next(line for line in result.stdout.splitlines() if f" {name} " in line) for name in ("tr", "sw"))
    assert "5.0 % of 7,000" in tr
    assert "+10" in tr
    assert " h)" in tr
    assert "undetectable" in sw


def test_before_there_is_a_baseline_the_flags_say_what_it_will_be(file):
    given = ("--rate", "5", "--per-day", "1000", "--shift", "10")
    (planned,) = answers(*given, "--strata", "2")
    (known,) = answers(file(reference(), reference("de")), "--shift", "10")[:1]
    assert planned["baseline_trials"] == known["baseline_trials"] == 7000
    assert planned["promised_trials"] == pytest.approx(known["promised_trials"], rel=0.15)
    (shared,) = answers(*given, "--strata", "400")
    assert shared["median_trials"] > planned["median_trials"]
    (larger,) = answers(*given, "--strata", "2", "--reference", "70000")
    assert larger["median_trials"] < planned["median_trials"]


def test_the_rules_of_a_configuration_are_used(tmp_path):
    config = tmp_path / "kilter.yaml"
    config.write_text("upstream: http://127.0.0.1:8000\nverdicts: {floor: 0.2, floor_relative: 10}\n", "utf-8")
    given = ("--rate", "20", "--per-day", "1000", "--shift", "10")
    assert answers(*given)[0]["says"] == "found"
    assert answers(*given, "--config", str(config), code=3)[0]["says"] == "within_floor"


def test_where_nothing_would_be_found_the_exit_code_says_insufficient(file):
    result = power(file(reference(trials=60)))
    assert result.exit_code == 3
    assert "undetectable" in result.stdout


@pytest.mark.parametrize(
    "arguments", [("--rate", "5"), ("--per-day", "9"), ("x.json", "--rate", "5", "--per-day", "9")]
)
def test_flags_that_do_not_go_together_are_a_usage_error(arguments):
    result = power(*arguments)
    assert result.exit_code == 2
    assert "need --rate and --per-day together" in result.output


def test_a_file_that_is_no_baseline_or_was_changed_is_named(tmp_path, file):
    path = file(reference())
    changed = tmp_path / "changed.json"
    changed.write_text(
        (tmp_path / "baseline.json").read_text("utf-8").replace('"trials": 7000', '"trials": 9000'), "utf-8"
    )
    other = tmp_path / "other.json"
    other.write_text('{"secret": 1}', "utf-8")
    assert power(path, "--shift", "10").exit_code == 0
    for wrong in (changed, other, tmp_path / "missing.json"):
        result = power(str(wrong))
        assert result.exit_code == 2
        assert str(wrong) in result.output
        assert "secret" not in result.output.replace(str(wrong), "")


def test_the_baseline_in_use_is_asked_of_a_running_kilter(file):
    text = dumped(baseline(reference()))

    class Admin(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/api/v1/baselines/latest" else 404)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Admin) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        live = answers("--admin", f"127.0.0.1:{server.server_port}", "--shift", "10")
        server.shutdown()
    assert live == answers(file(reference()), "--shift", "10")


def test_without_a_running_kilter_the_next_step_is_told():
    result = power("--admin", "127.0.0.1:9")
    assert result.exit_code == 2
    assert "--rate 5 --per-day 2000" in result.output


def test_the_same_question_gets_the_same_answer(file):
    path = file(reference())
    assert answers(path, "--shift", "10") == answers(path, "--shift", "10")


def test_a_baseline_counted_in_other_ticks_has_the_same_pace(tmp_path):
    path = tmp_path / "seconds.json"
    whole = baseline(reference())
    path.write_text(dumped(dataclasses.replace(whole, tick_s=1.0, ticks=whole.ticks * 60)), encoding="utf-8")
    assert answers(str(path), "--shift", "10")[0]["trials_per_day"] == pytest.approx(1000)
