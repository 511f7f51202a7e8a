"""Every version of a benchmark that its authors published, by its own header: all rows are taken, in the number that they say."""

import csv
import io
import json
import os
from pathlib import Path

import pytest
from benchmarks import AGENT, ODD, agent, cases, lines, read, written

PICTURES = "Behavior,BehaviorID,FunctionalCategory,SemanticCategory,ImageFileName,Source,ImageDescription,RedactedImageDescription,Tags"
CHINESE = "id,risk_area,types_of_harm,question_type,zh_question,en_question"
NEWER = "Type,Category,Question,Best Answer,Best Incorrect Answer,Correct Answers,Incorrect Answers,Source"
NATIVE = Path(os.environ.get("KILTER_BENCHMARKS", "none"))
"""A folder with files as their authors publish them."""


def rows(header, *cells, end="\r\n"):
    """A CSV file with a byte order mark; each of ``cells`` is a row by column, the others are filled."""
    columns, out = header.split(","), io.StringIO()
    writer = csv.writer(out, lineterminator=end)
    writer.writerow(columns)
    for at, given in enumerate(cells):
        writer.writerow([given.get(column, f"{column} {at}") for column in columns])
    return "\ufeff" + out.getvalue()


@pytest.mark.parametrize(
    ("name", "file", "header", "asked"),
    [
        ("harmbench", "harmbench_behaviors_text_val.csv", "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID", "Behavior"),
        ("harmbench", "harmbench_behaviors_multimodal_all.csv", PICTURES, "Behavior"),
        ("advbench", "harmful_behaviors.csv", "goal,target", "goal"),
        ("jbb", "harmful-behaviors.csv", "Index,Goal,Target,Behavior,Category,Source", "Goal"),
        ("jbb", "benign-behaviors.csv", ",Goal,Target,Behavior,Category,Source", "Goal"),
        ("strongreject", "strongreject_small_dataset.csv", "category,source,forbidden_prompt", "forbidden_prompt"),
        ("do-not-answer", "do_not_answer_en.csv", "id,risk_area,types_of_harm,specific_harms,question", "question"),
        ("do-not-answer", "data_zh.csv", CHINESE, "zh_question"),
        ("truthfulqa", "TruthfulQA.csv", NEWER, "Question"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_row_of_a_published_version_is_taken(tmp_path, name, file, header, asked, end):
    text = rows(header, *({asked: said} for said in ("One?", ODD, "Three?")), end=end)
    found = read(tmp_path, name, text, file)
    assert (found.rows, found.taken, found.reasons) == (3, 3, {})
    assert any(ODD in str(case.script[0].text) for case in cases(written(tmp_path, name, text, file)))


def test_pictures_of_one_request_are_as_many_families_and_one_elsewhere_is_not_followed(tmp_path):
    asked = [{"Behavior": "Copy it.", "ImageFileName": file} for file in ("a.png", "b.png", "b.png", "", "../c.png")]
    found = read(tmp_path, "harmbench", rows(PICTURES, *asked))
    assert found.taken == 2
    assert found.reasons == {
        "column ImageFileName: need the name of a file beside the suite": 2,
        "the same text again": 1,
    }
    family = written(tmp_path, "harmbench", rows(PICTURES, *asked)).suite.families[1]
    assert [part.image or part.text for part in family.prompts["en"].text[0]] == ["Copy it.", "b.png"]
    assert family.expect.refuse
    assert family.meta["ImageDescription"] == "ImageDescription 1"


def test_a_chinese_question_is_asked_in_both_languages_and_one_that_only_sounds_so_is_to_be_answered(tmp_path):
    kinds = [{"question_type": kind} for kind in ("direct", "indirect attack", "harmless")]
    loaded = written(tmp_path, "do-not-answer", rows(CHINESE, *kinds))
    assert [bool(family.expect.refuse) for family in loaded.suite.families] == [True, True, False]
    assert {case.language: case.prompt for case in cases(loaded)}["zh"].startswith("zh_question")
    assert loaded.suite.families[0].prompts["en"].text == ("en_question 0",)


def test_the_best_wrong_answer_of_the_newer_file_counts_among_the_wrong_ones(tmp_path):
    right, wrong = "It is a lamp of glass", "It is a fish of gold"
    text = rows(
        NEWER, {"Best Answer": right, "Best Incorrect Answer": wrong, "Incorrect Answers": f"{wrong}; It is no lamp"}
    )
    expect = written(tmp_path, "truthfulqa", text).suite.families[0].expect
    assert expect.any[0].answer.none_of == (wrong, "It is no lamp")
    assert f"False ones: {wrong}; It is no lamp." in expect.any[1].judge.rubric


def test_behaviours_of_chat_have_no_tools_and_are_declined(tmp_path):
    chat = {"canary_guid": "g", "behaviors": [{"id": "1", "category": "Fraud", "name": "n", "prompt": said} for said in ("A?", ODD)]}  # fmt: skip
    loaded = written(tmp_path, "agentharm", json.dumps(chat, indent=4), "chat_public_test.json")
    assert [case.prompt for case in cases(loaded)] == ["A?", ODD]
    assert {(family.group, family.expect.refuse) for family in loaded.suite.families} == {("adversarial", True)}
    partly = [{**AGENT, "prompt": "A?"}, {"id": "1", "category": "Fraud", "prompt": "B?"}]
    with pytest.raises(Exception, match=r"column id_original, name, detailed_prompt, .* is missing"):
        read(tmp_path, "agentharm", json.dumps(partly), "a.json")


def test_the_same_text_with_other_tools_or_translations_is_another_question(tmp_path):
    behaviours = [agent("Do it."), agent("Do it.", target_functions=["b"]), agent("Do it.", id="1-2")]
    found = read(tmp_path, "agentharm", json.dumps({"behaviors": behaviours}), "a.json")
    assert (found.taken, found.reasons) == (2, {"the same text again": 1})
    names = [family["id"] for family in found.document["families"]]
    assert len(set(names)) == 2
    alone = read(tmp_path, "agentharm", json.dumps({"behaviors": behaviours[:1]}), "a.json")
    assert names[0] == alone.document["families"][0]["id"]


def test_reference_answers_of_the_newest_kind_are_no_questions(tmp_path):
    """``reference_answer/gpt-4.jsonl`` stands beside the questions and is easily taken for them."""
    answer = {"question_id": 101, "answer_id": "a", "model_id": "gpt-4", "choices": [{"index": 0, "turns": ["a", "b"]}]}
    with pytest.raises(Exception, match="1: column category, turns is missing"):
        read(tmp_path, "mtbench", lines(answer), "gpt-4.jsonl")


@pytest.mark.parametrize(
    ("name", "file", "rows", "families"),
    [("truthfulqa", "TruthfulQA.csv", 817, 817), ("jailflip-csv", "jailflipbench.csv", 16, 2), ("jailflip-json", "jailflipbench.json", 16, 2),
     ("mtbench", "mt_bench_question.jsonl", 80, 80), ("simpleqa", "simple_qa_test_set.sample300.csv", 300, 300), ("xstest", "xstest_prompts.csv", 450, 450)],
)  # fmt: skip
def test_the_authors_own_files_are_taken_whole(tmp_path, name, file, rows, families):
    if not (NATIVE / file).exists():
        pytest.skip(f"KILTER_BENCHMARKS names no folder with {file}")
    found = read(tmp_path, name, (NATIVE / file).read_text(encoding="utf-8"), file)
    assert (found.rows, found.taken, len(found.document["families"])) == (rows, rows, families)
