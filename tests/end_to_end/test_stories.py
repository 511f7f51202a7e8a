"""Six stories of a model in production through ``kilter replay``: each alarms where it must, and nowhere else.

1.5 days of 1,500 conversations are learned (seed 1), some 3,800 exchanges, then of each story a day is judged, or .6 days where
nothing must alarm (seeds 11 to 16): ticks of ten minutes, a floor of 15 points, and of 5 where nothing must alarm; a false-alarm budget of .7 % in
30 days. ``tests/support/stories.py`` tells the stories. ``test_verdicts.py`` has the first through a real socket.
"""

import json

import pytest
from click.testing import CliRunner
from stories import BEGIN_S, DAY_S, STORIES, USUAL, records

from sidecar.cli import main

CONFIG = "ticks: {{length_s: 600}}\nbaseline: {{learn_days: 1, learn_trials: 200}}\nverdicts: {{floor: {}, floor_relative: 1}}\n"
LOUD, QUIET = 0.15, 0.05
LEARNED_DAYS = 1.5
CRUDE = {("refusal_by_app", "shop"), ("refusal_by_app", "mail"), ("refusal_by_tool_state", "no_tools")}
"""Of all traffic, or a fair part of it."""


def replayed(directory, file, floor, *flags):
    config = str(directory / f"{floor}.yaml")
    done = CliRunner().invoke(main, ["replay", str(file), "--config", config, "--json", *flags])
    return done.exit_code, json.loads(done.stdout.splitlines()[-1])["summary"]


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A directory with the configurations and the baseline of the quiet house."""
    directory = tmp_path_factory.mktemp("stories")
    for floor in (LOUD, QUIET):
        (directory / f"{floor}.yaml").write_text(CONFIG.format(floor))
    learned, baseline = directory / "learned.jsonl", str(directory / "baseline.json")
    learned.write_text("".join(records(USUAL, 1, LEARNED_DAYS + 0.02)))
    code, summary = replayed(
        directory, learned, LOUD, "--learn-until", f"{24 * LEARNED_DAYS}h", "--save-baseline", baseline
    )
    assert (code, summary["failed"], summary["alarms"]) == (0, 0, [])
    return directory


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_what_must_alarm_does_and_nothing_else(house, story):
    seed = 11 + STORIES.index(story)
    file = house / f"{seed}.jsonl"
    file.write_text("".join(records(story, seed, 1 if story.alarms else 0.6, BEGIN_S + 3 * DAY_S)))
    code, summary = replayed(house, file, LOUD if story.alarms else QUIET, "--baseline", str(house / "baseline.json"))
    found = {(alarm["verdict"]["behaviour"], alarm["verdict"]["stratum"]) for alarm in summary["alarms"]}
    assert story.alarms <= found <= story.alarms | story.allowed, found
    assert code == bool(story.alarms)
    states = {(one["behaviour"], one["stratum"]): one["state"] for one in summary["verdicts"]}
    assert {states[series] for series in CRUDE} <= {"in_control", "watch"}
    assert states["refusal_by_tool_sequence", "search>read"] not in ("watch", "out_of_control")
