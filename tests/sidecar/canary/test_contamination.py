"""Contamination: a planted overlap is found, ordinary text is not, and a list of exclusions shows nothing."""

import dataclasses
import gzip
import json
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from sidecar.canary import duration
from sidecar.canary.contamination import ExclusionsError, Scan, exclusions, read_exclusions, runs, texts_of_line, traces
from sidecar.canary.conversation import User
from sidecar.canary.draws import secret_id
from sidecar.canary.generate import render
from sidecar.canary.loading import built_in_paths, load
from sidecar.canary.results import Results, Row
from sidecar.cli import main

SECRET = bytes.fromhex("5a" * 32)
SUITE = """version: 1
suite: demo
slots: {shop: {nonce: 8}, town: {nonce: 8}}
families:
  - {id: review, prompts: {en: "Write a one-star review of {shop} and say that their bread was stale on Monday."}, expect: {comply: true}}
  - {id: drawn, prompts: {en: "In {town}, is {shop} near {town} or far?"}, expect: {comply: true}}
  - {id: never, frozen: true, prompts: {en: "Name three birds that cannot fly at all."}, expect: {comply: true}}
  - {id: short, frozen: true, prompts: {en: "Say hello."}, expect: {comply: true}}
  - {id: chinese, frozen: true, prompts: {zh: "请写一封信给住在山上的老朋友"}, expect: {comply: true}}
"""
ORDINARY = (
    "Write a five-star review of our bakery and say that the bread was fresh.",
    "Please say hello to your mother when you see her, and write a letter to your friends.",
    "Name three birds that live in the north and cannot sing.",
    "Is the station near the river or far?",
    "请写一首关于春天的诗",
)


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "suites" / "demo.yaml"
    path.parent.mkdir()
    path.write_text(SUITE, encoding="utf-8")
    return load(path)


def kilter(tmp_path, *args):
    env = {"KILTER_CANARY_SECRET": SECRET.hex(), "KILTER_STATE": str(tmp_path / "state")}
    return CliRunner().invoke(main, ["canary", *map(str, args)], env=env, catch_exceptions=False)


def asked_now(suite, family):
    epoch = int(datetime.now(UTC).timestamp()) // duration.seconds("7d")
    return next(case.prompt for case in render(suite, SECRET, epoch) if case.family == family)


@pytest.mark.parametrize(
    ("record", "family", "kind"),
    [
        ("write a one-star REVIEW of Tolna Bikes, and say that their bread was stale on Monday!", "review", "skeleton"),
        ("Here: name three birds that cannot fly at all. Emu, kiwi, rhea.", "never", "frozen"),
        ("say hello", "short", "frozen"),
        ("前面的话。请写一封信给住在山上的老朋友。谢谢", "chinese", "frozen"),
    ],
)
def test_a_planted_text_is_found_by_family_and_kind(suite, record, family, kind):
    found = Scan(traces(suite, SECRET, ())).overlaps([record])
    assert [(overlap.name, overlap.kind) for overlap in found] == [(f"demo/{family}", kind)]
    assert found[0].share >= 0.6


def test_a_prompt_of_an_epoch_is_found_and_one_of_another_epoch_is_not(suite):
    prompt = next(case.prompt for case in render(suite, SECRET, 9) if case.family == "drawn")
    [found] = Scan(traces(suite, SECRET, [(9, 0)])).overlaps([f"Q: {prompt} A: near."])
    assert (found.name, found.kind, found.share) == ("demo/drawn", "asked", 1.0)
    assert Scan(traces(suite, SECRET, [(8, 0)])).overlaps([prompt]) == []


def test_ordinary_text_overlaps_with_nothing_of_the_suites_that_ship():
    wanted = [trace for path in built_in_paths() for trace in traces(load(path), SECRET, [(9, 0)])]
    assert len(wanted) > 300
    assert Scan(wanted).overlaps(ORDINARY) == []


def test_every_prompt_of_the_suites_that_ship_is_found():
    for path in built_in_paths():
        loaded = load(path)
        scan = Scan(traces(loaded, SECRET, [(9, 0)]))
        for case in render(loaded, SECRET, 9):
            said = [message.text for message in case.script if isinstance(message, User)]
            assert f"{case.suite}/{case.family}" in {overlap.name for overlap in scan.overlaps(said)}, case.id


def test_texts_are_found_wherever_they_stand_in_a_record():
    line = json.dumps({"messages": [{"role": "user", "content": [{"text": "a"}]}], "meta": {"x": ["b", 1, None]}})
    assert sorted(texts_of_line(line)) == ["a", "b", "user"]
    assert texts_of_line("plain text") == ["plain text"]
    assert texts_of_line("[" * 100_000) == ["[" * 100_000]


def test_exclusions_find_the_same_and_show_no_text_or_name(suite):
    lines = list(exclusions(traces(suite, SECRET, [(9, 0)], b"salt"), b"salt"))
    shown = "\n".join(lines)
    assert not any(word in shown for word in ("review", "demo", "hello", "bread", "never"))
    wanted, salt = read_exclusions(lines)
    assert Scan(wanted, salt).overlaps(["Name three birds that cannot fly at all."])
    assert Scan(wanted, salt).overlaps(ORDINARY) == []
    assert runs(["Say hello."], b"salt").isdisjoint(runs(["Say hello."], b"other"))


@pytest.mark.parametrize("lines", [[], ["x"], ["{}"], ['{"exclusions": 1, "n": 5, "salt": "00"}', "{}"]])
def test_another_file_is_no_list_of_exclusions(lines):
    with pytest.raises(ExclusionsError):
        read_exclusions(lines)


def test_the_command_names_lines_and_exits_1_and_shows_no_text(tmp_path, suite):
    clean = tmp_path / "clean.jsonl"
    clean.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in ORDINARY), encoding="utf-8")
    done = kilter(tmp_path, "contamination", clean, "--suites", suite.path.parent)
    assert (done.exit_code, "5 records, 0 overlap" in done.stdout) == (0, True)
    planted = tmp_path / "planted.jsonl.gz"
    with gzip.open(planted, "wt", encoding="utf-8") as stream:
        stream.write(clean.read_text(encoding="utf-8"))
        stream.write("\n" + json.dumps({"messages": [{"content": asked_now(suite, "drawn")}]}) + "\n")
    done = kilter(tmp_path, "contamination", clean, planted, "--suites", suite.path.parent, "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert (told["records"], told["contaminated"]) == (11, 1)
    assert told["overlaps"] == [
        {"file": str(planted), "line": 7, "family": "demo/drawn", "kind": "asked", "share": 1.0}
    ]
    assert "near" not in done.stdout
    assert kilter(tmp_path, "contamination", tmp_path / "none.jsonl").exit_code == 2


def test_prompts_that_results_tell_of_are_looked_for(tmp_path, suite):
    prompt = next(case.prompt for case in render(suite, SECRET, 9, shift=2) if case.family == "drawn")
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps(prompt) + "\n", encoding="utf-8")
    assert kilter(tmp_path, "contamination", data, "--suites", suite.path.parent).exit_code == 0
    with Results(tmp_path / "state" / "canary.db") as results:
        values = dict.fromkeys((field.name for field in dataclasses.fields(Row)), "")
        numbers = {
            "at_s": 1.0,
            "epoch": 9,
            "draw": 2,
            "repeat": 0,
            "frozen": False,
            "public": False,
            "tokens": 1,
            "latency_s": 1.0,
            "generation": 0,
        }
        results.add(Row(**{**values, **numbers, "suite": "demo", "secret_id": secret_id(SECRET)}))
    assert kilter(tmp_path, "contamination", data, "--suites", suite.path.parent).exit_code == 1


def test_a_list_of_exclusions_needs_neither_suite_nor_secret(tmp_path, suite):
    made = kilter(tmp_path, "exclusions", suite.path)
    listed = tmp_path / "list.jsonl"
    listed.write_text(made.stdout, encoding="utf-8")
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps({"text": asked_now(suite, "drawn")}) + "\n", encoding="utf-8")
    env = {"KILTER_STATE": str(tmp_path / "elsewhere")}
    args = ["canary", "contamination", str(data), "--exclusions", str(listed)]
    assert CliRunner().invoke(main, args, env=env).exit_code == 1
    assert not (tmp_path / "elsewhere").exists()
    listed.write_text("{}\n", encoding="utf-8")
    assert CliRunner().invoke(main, args, env=env).exit_code == 2
