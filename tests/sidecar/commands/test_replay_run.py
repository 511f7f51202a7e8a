"""``kilter replay``: what a log of known traffic must come out as."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from logged import BEGIN_S, DAY_S, lines, log

from sidecar.cli import main

CONFIG = "verdicts: {least_users: 15}\nbaseline: {learn_days: 1, learn_trials: 200}\nticks: {length_s: 600}\n"


def replayed(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["replay", *map(str, arguments)])


def summary(result: Result) -> dict[str, object]:
    found: dict[str, object] = json.loads(result.stdout.splitlines()[-1])["summary"]
    return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a configuration, a log without drift and one whose Turkish refusals rise on day 3; seeds 3, 4."""
    directory = tmp_path_factory.mktemp("logs")
    (directory / "kilter.yaml").write_text(CONFIG)
    (directory / "quiet.jsonl").write_text(lines(log(1000, 4, lambda *_: 0.05, seed=3)))
    drifting = log(1800, 4, lambda day, language, _: 0.6 if day > 3 and language == "tr" else 0.05, seed=4)
    (directory / "drift.jsonl").write_text(lines(drifting))
    return directory


@pytest.mark.timeout(180)
def test_a_drift_in_one_language_is_an_alarm_there_with_its_numbers_and_date(place: Path) -> None:
    done = replayed(place / "drift.jsonl", "--learn-until", "2.9d", "--config", place / "kilter.yaml", "--json")
    assert done.exit_code == 1, done.output
    alarms = [alarm["verdict"] for alarm in summary(done)["alarms"]]  # type: ignore[attr-defined]  # JSON
    tr = next(one for one in alarms if (one["behaviour"], one["stratum"]) == ("refusal_by_language", "tr"))
    assert abs(tr["changed_at_s"] - (BEGIN_S + 3 * DAY_S)) < 3 * 3600
    assert not [one for one in alarms if one["stratum"] == "en"]
    assert {"change"} == {key for line in done.stdout.splitlines()[:-1] for key in json.loads(line)}


@pytest.mark.timeout(180)
def test_a_log_without_drift_is_silent_and_the_number_of_processes_changes_nothing(place: Path) -> None:
    arguments = (place / "quiet.jsonl", "--learn-until", "2d", "--config", place / "kilter.yaml", "--json")
    one, two = replayed(*arguments), replayed(*arguments, "--jobs", "2")
    assert one.exit_code == 0, one.output
    assert summary(one)["alarms"] == []
    assert one.stdout == two.stdout


@pytest.mark.timeout(180)
def test_a_log_in_parts_compressed_and_merged_gives_the_same_and_so_does_a_saved_baseline(
    place: Path, tmp_path: Path
) -> None:
    text = (place / "quiet.jsonl").read_text().splitlines(keepends=True)
    parts = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    parts[0].write_text("".join(text[::2]))
    parts[1].write_bytes(gzip.compress("".join(text[1::2]).encode()))
    config = ("--config", place / "kilter.yaml", "--json")
    saved = tmp_path / "baseline.json"
    whole = replayed(place / "quiet.jsonl", "--learn-until", "2d", "--save-baseline", saved, *config)
    assert summary(replayed(*parts, "--learn-until", "2d", *config)) == summary(whole)
    late = tmp_path / "late.jsonl"
    late.write_text("".join(line for line in text if json.loads(line)["timestamp"] > BEGIN_S + 2.5 * DAY_S))
    again = replayed(late, "--baseline", saved, *config)
    assert again.exit_code == 0, again.output
    assert summary(again)["baseline"] == summary(whole)["baseline"]


def test_lines_that_are_no_records_are_named_and_the_rest_is_read(place: Path, tmp_path: Path) -> None:
    text = (place / "quiet.jsonl").read_text().splitlines(keepends=True)[:20]
    broken = tmp_path / "broken.jsonl"
    broken.write_text("".join([*text[:5], "{oops\n", "\n", '{"request": {}}\n', *text[5:]]))
    done = replayed(broken, "--json")
    assert done.exit_code == 0, done.output
    assert (summary(done)["exchanges"], summary(done)["skipped"]) == (20, 2)
    first, second = done.stderr.splitlines()
    assert first == f"{broken}:6: need JSON, one object a line"
    assert second.startswith(f"{broken}:8: request: need")


def test_too_little_to_learn_from_leaves_with_3_and_a_missing_file_with_2(place: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("".join((place / "quiet.jsonl").read_text().splitlines(keepends=True)[:3]))
    done = replayed(few, "--learn-until", "1d")
    assert (done.exit_code, "nothing to judge by" in done.stderr) == (3, True)
    (tmp_path / "empty.jsonl").write_text("")
    assert replayed(tmp_path / "empty.jsonl").exit_code == 3
    for arguments in (
        (tmp_path / "absent.jsonl",),
        (few, "--baseline", tmp_path / "absent.json"),
        (few, "--baseline", few),
        (few, "--learn-until", "soon"),
        (few, "--save-baseline", tmp_path / "b.json"),
        (few, "--config", few),
    ):
        done = replayed(*arguments)
        assert done.exit_code == 2, done.output
        assert done.stderr


def test_without_a_baseline_there_are_rates_and_the_next_step(place: Path, tmp_path: Path) -> None:
    few = tmp_path / "few.jsonl"
    few.write_text("".join((place / "quiet.jsonl").read_text().splitlines(keepends=True)[:50]))
    done = replayed(few)
    assert done.exit_code == 0
    assert "--learn-until" in done.stdout
    assert "no_baseline" in done.stdout
