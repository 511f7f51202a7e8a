"""Importers: every row is taken or counted, mistakes name line and column, and what is written loads and lints."""

import contextlib
import json
from datetime import date
from pathlib import Path

import pytest
from benchmarks import COLUMNS, MAPS, ODD, WHOLE, cases, lines, read, seed, table, written
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.canary.generate import render
from sidecar.canary.importers.base import imported, importers
from sidecar.canary.importers.original import ImportMistake, Original, csv_rows, json_items
from sidecar.canary.lint import lint

BOMB = "x0: &x0 [a, a, a, a]\n" + "".join(f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 9))


def test_every_format_of_the_contract_is_found():
    wanted = (
        "harmbench advbench jbb strongreject xstest multijail jailflip-json jailflip-csv jailflip-mm maps-asb agentharm"
    )
    wanted += " mtbench simpleqa truthfulqa do-not-answer promptfoo garak-report injecagent healthbench inspect-jsonl"
    assert set(wanted.split()) <= set(importers())
    assert {name for name, *_ in WHOLE} >= set(wanted.split())


@pytest.mark.parametrize(("name", "file", "text", "rows", "families"), WHOLE)
@pytest.mark.parametrize("suffix", [".yaml", ".jsonl"])
def test_a_whole_file_is_taken_row_by_row_and_the_suite_lints(tmp_path, name, file, text, rows, families, suffix):
    (tmp_path / "lamp.png").touch()
    found = read(tmp_path, name, text, file)
    loaded = written(tmp_path, name, text, file, suffix)
    assert found.rows == rows
    assert found.taken + len(found.passed) == rows
    assert len(loaded.suite.families) == families
    assert loaded.suite.public
    remarks = lint((loaded,), date(2026, 12, 1))
    assert [remark.line() for remark in remarks if remark.level == "error"] == []
    assert "public" in {remark.rule for remark in remarks}
    assert cases(loaded)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_prompt_is_asked_letter_by_letter(tmp_path, name):
    text = table(name, [ODD])
    asked = {case.script[0].text for case in cases(written(tmp_path, name, text))}
    assert any(ODD in prompt for prompt in asked)


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_missing_column_is_named_with_its_line_and_no_row_is_shown(tmp_path, name):
    for column in filter(None, COLUMNS[name].split(",")):
        with pytest.raises(ImportMistake, match=rf"a\.csv:1: column {column} is missing$"):
            read(tmp_path, name, table(name, ["Is it?"], drop=column))


def test_a_file_without_a_header_does_not_show_its_first_row(tmp_path):
    with pytest.raises(ImportMistake) as mistake:
        read(tmp_path, "advbench", "a secret goal,a target\r\n")
    assert "secret" not in str(mistake.value)


@pytest.mark.parametrize(
    ("name", "file", "text", "need"),
    [
        ("advbench", "a.csv", "", "1: column goal is missing"),
        ("mtbench", "a.jsonl", '{"question_id": 1, "turns": ["a"]}\n', "1: column category is missing"),
        ("mtbench", "a.jsonl", '{"question_id": 1, "category": "c", "turns": ["a"]}\n\n{"x"\n', "3: not JSON"),
        ("mtbench", "a.jsonl", "[]\n", "1: need a JSON object"),
        ("maps-asb", "a.jsonl", lines(dict.fromkeys(MAPS, "x"), dict.fromkeys(MAPS[:-1], "x")), "2: column Aggressive is missing"),
        ("agentharm", "a.json", '{"behaviors": [\n{"id": 1}]}', "2: column id_original, name, category"),
        ("agentharm", "a.json", '{"others": []}', "1: behaviors is missing"),
        ("agentharm", "a.json", '{"behaviors": [\n\n{"id" 1}]}', "3: not JSON"),
        ("jailflip-json", "a.json", json.dumps({"question_list": [seed(flipped={"gt": True})]}), "1: column flipped.questions is missing"),
        ("garak-report", "a.jsonl", '{"entry_type": "attempt", "prompt": "p"}\n', "1: column probe_classname is missing"),
        ("garak-report", "a.jsonl", '{"entry_type": "init"}\n', "1: no row can be asked: an entry without a prompt"),
        ("promptfoo", "a.yaml", "prompts: [a]\n", "1: column tests is missing"),
        ("promptfoo", "a.yaml", "prompts: [a]\ntests: file://t.csv\n", "2: column tests: need a list; a file is not followed"),
        ("promptfoo", "a.yaml", "prompts: [a]\ntests: [\n", "not valid YAML"),
        ("promptfoo", "a.yaml", BOMB, "1: need at most 200000 values"),
        ("promptfoo", "a.yaml", "x: &a [*a]\nprompts: [b]\ntests: []\n", "1: need at most 200000 values"),
        ("advbench", "a.csv", 'goal,target\r\na,b\r\n"c,d\r\n', "3: not CSV"),
    ],
)  # fmt: skip
def test_a_mistake_names_file_line_and_column(tmp_path, name, file, text, need):
    with pytest.raises(ImportMistake) as mistake:
        read(tmp_path, name, text, file)
    assert f"{file}:" in str(mistake.value)
    assert need in str(mistake.value)


def test_text_that_is_not_utf_8_is_named_with_its_line(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"goal,target\nab,c\nd\xff,e\n")
    with pytest.raises(ImportMistake, match=r"a\.csv:3: not UTF-8"):
        imported(importers()["advbench"], tmp_path / "a.csv", "x")


def test_rows_that_cannot_be_asked_are_counted_with_line_and_reason(tmp_path):
    text = 'id,prompt,type,label,focus,note\n1,One?,a,safe,,\n2,,a,safe,,\n3,"Two\nlines?",a,odd,,\n4,Four?,a,safe\n'
    text += "5,Five?,a,safe,,,,\n6, One? ,a,safe,,\n7,Seven?,contrast_a,unsafe,,\n"
    found = read(tmp_path, "xstest", text)
    assert found.taken == 2
    assert found.rows == 7
    assert [(passed.line, passed.reason) for passed in found.passed] == [
        (3, "column prompt is empty"),
        (4, "column label: need safe or unsafe"),
        (6, "column focus: the row ends before it"),
        (7, "more fields than columns"),
        (8, "the same text again"),
    ]
    assert sum(found.reasons.values()) == 5


def test_unknown_columns_are_kept_and_ids_follow_from_the_text_alone(tmp_path):
    one = read(tmp_path, "xstest", table("xstest", ["Is it?"], extra=("added",))).document["families"][0]
    other = read(tmp_path, "xstest", table("xstest", ["Is it?"], end="\n")).document["families"][0]
    assert one["meta"]["added"] == "added 0"
    assert (
        one["id"]
        == other["id"]
        != read(tmp_path, "xstest", table("xstest", ["Is that?"])).document["families"][0]["id"]
    )


def test_what_cannot_vary_is_asked_in_one_form_and_wordings_take_turns(tmp_path):
    assert written(tmp_path, "xstest", table("xstest", ["Is it?"])).suite.families[0].frozen
    loaded = written(tmp_path, "jailflip-json", json.dumps([seed()]), "a.json")
    assert not loaded.suite.families[0].frozen
    english = {case.prompt for epoch in range(20) for case in render(loaded, bytes(32), epoch) if case.language == "en"}
    assert len(english) == 4


def test_what_would_be_read_as_something_else_is_not_written(tmp_path):
    text = '{"question_id": NaN, "category": "c", "turns": ["a"]}\n'
    with pytest.raises(ImportMistake, match="not written: it would be read as something else"):
        written(tmp_path, "mtbench", text, "a.jsonl")


def test_half_a_character_is_passed_over(tmp_path):
    row = '{"question_id": 1, "category": "c", "turns": ["%s"]}\n'
    assert read(tmp_path, "mtbench", row % "a" + row % "\\ud800", "a.jsonl").reasons == {
        "half of a character: not Unicode text": 1
    }


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=40).filter(str.strip), min_size=1, max_size=4, unique_by=str.strip))
def test_any_text_is_read_and_written_as_it_is(tmp_path_factory, texts):
    rows = {text.strip() for text in texts if text.strip()}
    folder = tmp_path_factory.mktemp("any")
    for suffix in (".yaml", ".jsonl"):
        if rows:
            loaded = written(folder, "advbench", table("advbench", texts), suffix=suffix)
            assert {case.prompt for case in cases(loaded)} == rows


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='a,"\r\n\ufeff{}[]: ', max_size=60))
def test_no_text_makes_a_reader_fall_over(text):
    original = Original(Path("a"), text, "")
    for reading in (lambda: csv_rows(original, ("a",)), lambda: json_items(original, "a")):
        with contextlib.suppress(ImportMistake):
            list(reading())
