"""promptfoo's files: what is asked and expected, what reaches elsewhere, and what is read as promptfoo reads it."""

import json

import pytest
from benchmarks import cases, read, written


@pytest.mark.parametrize(
    ("test", "prompt", "reason"),
    [
        ("file://t.yaml", "Say {{word}}.", "a test in another file, which is not followed"),
        ({"vars": {"word": "file:///etc/passwd"}}, "Say {{word}}.", "a prompt or value in another file, which is not followed"),
        ({}, "file://prompt.txt", "a prompt or value in another file, which is not followed"),
        ({}, "prompts/a.txt", "a prompt or value in another file, which is not followed"),
        ({}, "https://a.example/p", "a prompt or value in another file, which is not followed"),
        ({}, "{% if a %}b{% endif %}", "a template with more than variables in it"),
        ({}, "{{ word | upper }}", "a template with more than variables in it"),
        ({}, "Say {{other}}", "a variable without a value"),
        ({"vars": {"word": {"a": "b"}}}, "Say {{word}}.", "a variable that is not one text"),
        ({"vars": {"a": list("abcdefgh") * 5, "b": list("abcdefgh") * 5}}, "Say.", "more than 1000 variants of one test"),
        ({"options": {"transform": "output.trim()"}}, "Say.", "a test with a transform"),
        ({"threshold": 0.5}, "Say.", "a test with a threshold"),
        ({"assert": [{"$ref": "#/assertionTemplates/none"}]}, "Say.", "an assertion without a type"),
        ({"assert": [{"type": "assert-set", "threshold": 0.5, "assert": []}]}, "Say.", "a set of assertions with a threshold"),
        ({"assert": [{"type": "assert-set", "assert": [{"type": "python", "value": "x"}]}]}, "Say.", "an assertion that cannot be taken over: python"),
        ({"assert": [{"type": "contains", "value": "a", "weight": 0}]}, "Say.", "a test without assertions"),
        ({"assert": []}, "Say {{word}}.", "a test without assertions"),
        ({"assert": [{"type": "javascript", "value": "1"}]}, "Say.", "an assertion that cannot be taken over: javascript"),
        ({"assert": [{"type": "contains", "value": "a", "transform": "x"}]}, "Say.", "an assertion with a transform"),
        ({"assert": [{"type": "similar", "value": "a"}]}, "Say.", "an assertion that cannot be taken over: similar"),
        ({"assert": [{"type": "contains", "value": "file://a"}]}, "Say.", "a prompt or value in another file, which is not followed"),
        ({}, '[{"role": "tool", "content": "a"}]', "a prompt of messages that are not all text"),
        ({}, '[{"role": "user", "content": "a"}', "a prompt of messages that are not all text"),
    ],
)  # fmt: skip
def test_a_test_that_reaches_elsewhere_or_runs_code_is_passed_over_whole(tmp_path, test, prompt, reason):
    usual = {"vars": {"word": "aye"}, "assert": [{"type": "contains", "value": "aye"}]}
    given = {**usual, **test} if isinstance(test, dict) else test
    text = json.dumps({"prompts": ["Yes?", prompt], "tests": [usual, given]}, indent=1)
    found = read(tmp_path, "promptfoo", text, "a.json")
    assert reason in found.reasons
    assert found.taken + len(found.passed) == 4


def test_assertions_keep_their_meaning_and_their_line(tmp_path):
    text = (
        "prompts: ['Say {{word}}.']\n"
        "defaultTest: {assert: [{type: not-icontains, value: sorry}]}\n"
        "tests:\n"
        "  - {vars: {word: aye}, assert: [{type: llm-rubric, value: 'Says {{word}}', threshold: 0.8, weight: 2}]}\n"
        "  - {vars: {word: no}, assert: [{type: python, value: x}]}\n"
    )
    found = read(tmp_path, "promptfoo", text, "a.yaml")
    assert found.passed[0].line == 5
    expect = written(tmp_path, "promptfoo", text, "a.yaml").suite.families[0].expect
    assert expect.all[0].not_.answer.any_of == ("sorry",)
    assert (expect.all[1].judge.rubric, expect.all[1].judge.min, expect.all[1].weight) == ("Says aye", 0.8, 2)


def test_words_that_an_older_yaml_takes_for_truth_values_stay_words(tmp_path):
    """promptfoo's own first example has a variable ``Yes``."""
    text = (
        "prompts: ['Say {{word}} of {{day}}, {{much}} {{on}}.']\n"
        "tests:\n"
        "  - vars: {word: Yes, day: 2024-01-02, much: 1.0, on: true}\n"
        "    assert: [{type: equals, value: No}, {type: contains, value: 12}, {type: icontains-any, value: 'a, b'}]\n"
    )
    (case,) = cases(written(tmp_path, "promptfoo", text, "a.yaml"))
    assert case.prompt == "Say Yes of 2024-01-02, 1 true."
    assert case.expect.all[0].answer.exact == ("No",)
    assert [part.answer.any_of for part in case.expect.all[1:]] == [("12",), ("a", "b")]


def test_a_list_of_values_stands_for_as_many_tests(tmp_path):
    test = {"vars": {"word": ["aye", "no"], "to": ["A", "B", "C"]}, "assert": [{"type": "is-refusal"}]}
    text = json.dumps({"prompts": ["Say {{word}} to {{to}}."], "tests": [test]})
    found = read(tmp_path, "promptfoo", text, "a.json")
    assert (found.rows, found.taken) == (6, 6)
    assert found.document["families"][5]["prompts"]["en"] == "Say no to C."


def test_shared_parts_are_taken_where_they_stand(tmp_path):
    text = (
        "x: &usual {type: is-refusal}\n"
        "prompts: [{label: short, raw: 'Do {{a}}.'}, {label: long, raw: 'Do {{a}} at once.'}]\n"
        "assertionTemplates: {loud: {type: icontains, value: arr}}\n"
        "defaultTest: {options: {prefix: 'Hi. ', suffix: ' Thanks.'}}\n"
        "tests:\n"
        "  - {prompts: [long], vars: {a: it}, assert: [*usual, {$ref: '#/assertionTemplates/loud'}]}\n"
        "  - {prompts: [short], vars: {a: it}, assert: [{type: assert-set, assert: [*usual, *usual]}]}\n"
    )
    found = read(tmp_path, "promptfoo", text, "a.yaml")
    assert (found.rows, found.taken) == (2, 2)
    long, short = cases(written(tmp_path, "promptfoo", text, "a.yaml"))
    assert (long.prompt, short.prompt) == ("Hi. Do it at once. Thanks.", "Hi. Do it. Thanks.")
    assert long.expect.all[1].answer.any_of == ("arr",)
    assert len(short.expect.all) == 2


@pytest.mark.parametrize(
    "prompt",
    ['[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Say {{a}}."}]',
     "- role: system\n  content: Be kind.\n- role: user\n  content: Say {{a}}."],
)  # fmt: skip
def test_messages_in_a_prompt_are_asked_as_they_are(tmp_path, prompt):
    text = json.dumps({"prompts": [prompt], "tests": [{"vars": {"a": "aye"}, "assert": [{"type": "is-refusal"}]}]})
    (case,) = cases(written(tmp_path, "promptfoo", text, "a.json"))
    assert (case.system, case.prompt) == ("Be kind.", "Say aye.")


def result(prompt, **more):
    """As ``promptfoo eval -o results.json`` writes one."""
    return {"prompt": {"raw": prompt, "label": "p"}, "vars": {"a": "aye"}, "response": {"output": "a reply"}, "success": True, **more}  # fmt: skip


@pytest.mark.parametrize("version", [2, 3])
def test_results_give_their_prompts_with_assertions_and_no_replies(tmp_path, version):
    check = {"type": "contains", "value": "{{a}}"}
    judged = {"testCase": {"vars": {"a": "aye"}, "assert": [check]}}
    if version == 2:
        judged = {"gradingResult": {"pass": True, "componentResults": [{"pass": True, "assertion": check}, {"pass": True, "assertion": None}]}}  # fmt: skip
    listed = [result("Say {{x}}.", **judged), result("Say it.", **judged), result("Say it.", **judged), result("Why?")]
    document = {"evalId": "e", "results": {"version": version, "stats": {}, "results": listed}, "config": {}}
    found = read(tmp_path, "promptfoo", json.dumps(document, indent=1), "a.json")
    assert (found.rows, found.taken) == (4, 2)
    assert found.reasons == {"the same text again": 1, "a test without assertions": 1}
    assert found.passed[0].line > 20
    loaded = written(tmp_path, "promptfoo", json.dumps(document), "a.json")
    assert [case.prompt for case in cases(loaded)] == ["Say {{x}}.", "Say it."]
    assert cases(loaded)[0].expect.all[0].answer.any_of == ("aye",)
    assert "a reply" not in loaded.path.read_text()
    assert read(tmp_path, "promptfoo", json.dumps({"results": listed}), "a.json").taken == 2
