"""A fire drill in a running Kilter: fires within what is promised, tells the right alert, and moves nothing of live traffic.

The baseline is learned by ``kilter replay`` from 1.5 days of the quiet house (seed 1, ``tests/support/stories.py``), ticks of ten
minutes, a floor of 5 points.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from load import ask, chat
from real import program
from running import RunningKilter
from stories import USUAL, records

from sidecar.cli import main
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.evidence.verify import records as kept

CONFIG = "upstream: http://127.0.0.1:1\nticks: {length_s: 600}\nbaseline: {learn_days: 1, learn_trials: 200}\nverdicts: {floor: 0.05, floor_relative: 1}\n"
RULES = Path(__file__).parents[2] / "deploy/prometheus/rules"
SUCCESS = "kilter_selftest_last_success_timestamp_seconds"
LIVE = (
    "kilter_observations_total", "kilter_events_total", "kilter_responses_total", "kilter_languages_total", "kilter_rate",
    "kilter_rate_observations", "kilter_tokens_total", "kilter_alarms_total", "kilter_state", "kilter_evidence",
    "kilter_difference_ratio", "kilter_observations_left_out_total", "kilter_unfinished_exchanges_total",
    "kilter_capture_keys_total", "kilter_verdict_changes_total", "kilter_analysis_errors_total", "kilter_ring_records_total",
)  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A directory with the configuration and the baseline."""
    directory = tmp_path_factory.mktemp("house")
    (directory / "kilter.yaml").write_text(CONFIG)
    (directory / "learned.jsonl").write_text("".join(records(USUAL, 1, 1.52)))
    argv = ["replay", str(directory / "learned.jsonl"), "--config", str(directory / "kilter.yaml"), "--json"]
    done = CliRunner().invoke(
        main, [*argv, "--learn-until", "36h", "--save-baseline", str(directory / "baseline.json")]
    )
    assert done.exit_code == 0, done.output
    return directory


def command(kilter, *argv):
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", *argv, "--admin", kilter.admin.removeprefix("http://")],
        env=kilter.env, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def statistics(kilter):
    seen = kilter.until(lambda seen: seen.total("kilter_monitor_up") == 1, 30)  # a busy machine may answer too late
    return {key: value for key, value in seen.items() if key[0] in LIVE}, kilter.get("/api/v1/verdicts")[1]


def promised(house, drills):
    """What `kilter power` says of each drill, seconds."""
    shifts = [word for shift in {drill["shift"] for drill in drills} for word in ("--shift", str(100 * shift))]
    argv = ["power", str(house / "baseline.json"), "--config", str(house / "kilter.yaml"), "--json", *shifts]
    told = {
        (row["behaviour"], row["stratum"], row["model"], row["shift"]): row["promised_s"]
        for row in json.loads(CliRunner().invoke(main, argv).stdout)
    }
    return [told[drill["behaviour"], drill["stratum"], drill["model"], drill["shift"]] for drill in drills]


def fires(directory, drill):
    """Whether the shipped rules, evaluated by promtool, fire the alert for the stratum that a drill leaves out of control."""
    labels = f'{{job="kilter", instance="i", behaviour="{drill["behaviour"]}", stratum="{drill["stratum"]}", model="m"'
    told = {
        "rule_files": [str(path) for path in sorted(RULES.glob("*.yaml"))],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    *(
                        {"series": f"kilter_difference_ratio{end}{labels}}}", "values": f"{drill['shift'] + more}x90"}
                        for end, more in (("", 0.0), ("_low", -0.1), ("_high", 0.1))
                    ),
                    {"series": f'kilter_state{labels}, state="out_of_control"}}', "values": "1x90"},
                ],
                "promql_expr_test": [
                    {
                        "expr": f'count(ALERTS{{alertname="{drill["alert"]}", alertstate="firing"}})',
                        "eval_time": "90m",
                        "exp_samples": [{"labels": "{}", "value": 1}],
                    }
                ],
            }
        ],
    }
    file = directory / f"{drill['behaviour']}.yaml"
    file.write_text(yaml.safe_dump(told))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


@pytest.mark.timeout(120)
async def test_a_drill_fires_three_behaviours_as_promised_and_leaves_the_statistics_as_they_were(house, tmp_path):
    env = {"KILTER_BASELINE__FILE": str(house / "baseline.json")}
    flags = ("--config", str(house / "kilter.yaml"))
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path, *flags, env=env) as kilter:
            for _ in range(20):
                await ask(kilter.url, *chat("Could you explain how a bicycle stays upright while it is moving?"))
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_responses_total") == 20, 30)
            before = statistics(kilter)
            assert kilter.metrics().total(SUCCESS) == 0
            code, said, errors = await asyncio.to_thread(command, kilter, "selftest", "--json")
            assert code == 0, said + errors
            after = statistics(kilter)
            success = kilter.until(lambda seen: seen.total(SUCCESS) > 0).total(SUCCESS)
            answered = await ask(kilter.url, *chat("Could you explain how a kite flies?"))
        with RunningKilter(upstream.url, tmp_path, *flags, env=env) as again:
            remembered = again.until(lambda seen: seen.total(SUCCESS) > 0).total(SUCCESS)
    outcome = json.loads(said)
    assert before == after
    assert before[0]
    assert answered.status == 200
    assert outcome["passed"]
    assert outcome["not_drilled"] == []
    assert {drill["behaviour"] for drill in outcome["drills"]} == {
        *("refusal_by_language", "hollow_refusal", "refusal_by_length")
    }
    for drill, by_power in zip(outcome["drills"], promised(house, outcome["drills"]), strict=True):
        assert drill["fired"]
        assert drill["after_s"] <= drill["promised_s"] == pytest.approx(by_power)
        fired, why = fires(tmp_path, drill)
        assert fired, why
    assert success == remembered == pytest.approx(outcome["at_s"])
    key = bytes.fromhex((kilter.state / "evidence_key").read_text().strip())
    (record,) = [one for _, one, _ in kept(kilter.state / "evidence", key) if one["kind"] == "selftest"]
    assert (record["data"]["passed"], record["data"]["drills"]) == (True, outcome["drills"])


@pytest.mark.timeout(60)
async def test_without_a_baseline_there_is_nothing_to_drill_and_without_a_kilter_nothing_answers(tmp_path):
    async with ScriptedUpstream() as upstream:
        with RunningKilter(upstream.url, tmp_path) as kilter:
            code, said, errors = await asyncio.to_thread(command, kilter, "selftest")
            assert (code, said) == (3, "")
            assert "there is no baseline yet" in errors
            assert kilter.get("/api/v1/selftest")[1] == '{"running": false, "outcome": null}'
    code, _, errors = await asyncio.to_thread(command, kilter, "selftest")
    assert (code, "nothing answers" in errors) == (2, True)
