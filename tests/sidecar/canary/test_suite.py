"""The format of suite files: its schema, its mistakes told by file, line and key."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

import sidecar.canary
from sidecar.canary.loading import SuiteError, built_in_paths, load, load_all
from sidecar.canary.suite_schema import json_schema

SCHEMA = Path(sidecar.canary.__file__).with_name("suite.schema.json")
GOOD = """version: 1
suite: demo
slots: {w: {nonce: 8}}
families:
  - id: one
    prompts: {en: ["Say {w}."]}
    expect: {contains_nonce: w}
"""
MISTAKES = {
    "an unknown key": ("expect: {contains_nonce: w}", "expct: {contains_nonce: w}", 7, "expct", "did you mean expect"),
    "an unknown kind": ("id: one", "id: one\n    kind: sngle", 6, "kind", "need 'single'"),
    "an unknown expectation": ("contains_nonce: w", "conains_nonce: w", 7, "conains_nonce", "unknown key"),
    "no expectation": ("    expect: {contains_nonce: w}\n", "", 5, "expect", "is needed"),
    "an empty expectation": ("{contains_nonce: w}", "{weight: 2}", 7, "expect", "at least one check"),
    "a key given twice": ("id: one", "id: one\n    id: two", 6, "id", "given twice"),
    "no suite name": ("suite: demo\n", "", 1, "suite", "is needed"),
    "another version": ("version: 1", "version: 2", 1, "version", "need 1"),
    "no families": (GOOD[GOOD.index("families") :], "families: []\n", 4, "families", "at least 1"),
    "a bad slot": ("{nonce: 8}", "{nonce: 8, int: [1, 2]}", 3, "slots.w", "need one of"),
    "a slot the wrong way round": ("{nonce: 8}", "{int: [9, 2]}", 3, "slots.w", "from <= to"),
    "a pattern with look-around": ("{contains_nonce: w}", "{answer: {regex: '(?=a)b'}}", 7, "regex", "RE2"),
    "a schema with a remote reference": (
        "{contains_nonce: w}",
        "{json_schema: {$ref: 'http://example.org/s.json'}}",
        7,
        "json_schema",
        "nothing is fetched",
    ),
    "a code rule nobody knows": ("{contains_nonce: w}", "{code: {forbid: [CWE-1]}}", 7, "code", "no rule"),
    "an assertion that runs code": ("{contains_nonce: w}", "{javascript: 'x'}", 7, "expect", "runs code"),
    "a truth that calls something": (
        "expect:",
        "truth: {expr: '__import__(1)', source: s, as_of: 2026-01, expires: 2027-01}\n    expect:",
        7,
        "truth",
        "not allowed",
    ),
    "a day that is none": (
        "expect:",
        "truth: {expr: '1', source: s, as_of: 2026-13, expires: 2027-01}\n    expect:",
        7,
        "as_of",
        "month",
    ),
    "a ladder of another kind": (
        "id: one",
        "id: one\n    ladder: {axis: depth, rungs: [0, 4]}",
        5,
        "families[0]",
        "ladder",
    ),
    "a translation alone": ("id: one", "id: one\n    kind: translation_set", 5, "families[0]", "two languages"),
    "two families of one name": (
        "families:\n",
        "families:\n  - id: one\n    prompts: {en: x}\n    expect: {comply: true}\n",
        1,
        "",
        "given twice",
    ),
    "an alias": ("{w: {nonce: 8}}", "&a {w: {nonce: 8}}", 3, "", "anchors and aliases"),
    "no YAML": ("version: 1", "version: [", 3, "", "not valid YAML"),
    "a language that is none": ("{en: [", "{english!: [", 6, "prompts", "language tag"),
}


def write(tmp_path, text, name="demo.yaml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def mistakes_in(path):
    with pytest.raises(SuiteError) as caught:
        load(path)
    return str(caught.value)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_names_file_line_and_key(tmp_path, mistake):
    old, new, line, key, need = MISTAKES[mistake]
    assert old in GOOD
    path = write(tmp_path, GOOD.replace(old, new, 1))
    told = mistakes_in(path)
    assert f"{path}:{line}: " in told
    assert key in told
    assert need in told


def test_every_mistake_of_every_file_is_told_at_once(tmp_path):
    one = write(tmp_path, GOOD.replace("id: one", "id: one\n    a: 1\n    b: 2"), "one.yaml")
    two = write(tmp_path, GOOD.replace("version: 1", "version: 3"), "two.yaml")
    with pytest.raises(SuiteError) as caught:
        load_all([one, two])
    lines = str(caught.value).splitlines()
    assert [re.match(r".*/(\w+\.yaml:\d+)", line)[1] for line in lines] == ["one.yaml:6", "one.yaml:7", "two.yaml:1"]


def test_a_mistake_never_repeats_a_prompt(tmp_path):
    told = mistakes_in(write(tmp_path, GOOD.replace('["Say {w}."]', "{text: [[secret-prompt]]}")))
    assert "secret-prompt" not in told


def test_two_suites_of_one_name_are_refused(tmp_path):
    with pytest.raises(SuiteError, match="also the name"):
        load_all([write(tmp_path, GOOD, "a.yaml"), write(tmp_path, GOOD, "b.yaml")])


def test_json_lines_hold_the_same_keys_a_family_a_line(tmp_path):
    families = [{"id": name, "prompts": {"en": f"Say {name}"}, "expect": {"comply": True}} for name in ("a", "b")]
    path = write(tmp_path, "\n".join(map(json.dumps, families)), "lines.jsonl")
    assert [family.id for family in load(path).suite.families] == ["a", "b"]
    assert load(path).suite.suite == "lines"
    head = json.dumps({"suite": "named", "version": 1, "defaults": {"group": "agentic"}})
    path.write_text("\n".join([head, *map(json.dumps, families)]))
    assert load(path).suite.suite == "named"
    assert load(path).suite.families[0].group == "agentic"
    path.write_text("\n".join([head, json.dumps(families[0]), json.dumps({**families[1], "kind": "x"})]))
    assert f"{path}:3: families[1].kind" in mistakes_in(path)


def test_a_file_of_a_few_lines_cannot_unfold_into_gigabytes(tmp_path):
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    assert "anchors" in mistakes_in(write(tmp_path, bomb))
    assert "nested" in mistakes_in(write(tmp_path, f"version: 1\nsuite: {'[' * 60}{']' * 60}\n"))


def test_the_schema_file_is_that_of_the_code():
    made = json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"
    assert SCHEMA.read_text(encoding="utf-8") == made, (
        "write it: python -m sidecar.canary.suite_schema > sidecar/canary/suite.schema.json"
    )


@pytest.mark.parametrize("path", built_in_paths(), ids=lambda path: path.stem)
def test_the_schema_accepts_every_built_in_suite(path):
    raw = json.loads(json.dumps(yaml.safe_load(path.read_text(encoding="utf-8")), default=str))
    jsonschema.Draft202012Validator(json_schema()).validate(raw)


def test_the_schema_refuses_what_the_loader_refuses(tmp_path):
    validator = jsonschema.Draft202012Validator(json_schema())
    for name in ("an unknown key", "an unknown kind", "an unknown expectation", "no expectation", "no suite name"):
        old, new, *_ = MISTAKES[name]
        assert list(validator.iter_errors(yaml.safe_load(GOOD.replace(old, new, 1)))), name


SHORT = """version: 1
suite: demo
slots: {shop: [Ariadne, Boreas], w: {nonce: 8}}
families:
  - id: one
    kind: decomposition
    steps: ["First, {shop}.", "Then {w}."]
    direct: {prompts: {en: "All at once: {w}."}}
    tools: [{type: function, function: {name: look, parameters: {type: object}}}]
    expect: {all: [{answer: {numeric: 4}}, {tool_sequence: [look]}, {must_call: look}, {judge: "polite?"}, {language: same}]}
"""


def test_short_forms_mean_the_long_ones_and_the_schema_knows_them(tmp_path):
    family = load(write(tmp_path, SHORT)).suite.families[0]
    assert [turn.user for turn in family.turns] == ["First, {shop}.", "Then {w}."]
    assert family.tools[0].name == "look"
    numeric, sequence, call, judge, _ = family.expect.all
    assert (numeric.answer.numeric.value, sequence.tool_sequence.exact, call.must_call[0].name) == (
        4,
        ("look",),
        "look",
    )
    assert judge.judge.rubric == "polite?"
    jsonschema.Draft202012Validator(json_schema()).validate(yaml.safe_load(SHORT))


def test_defaults_reach_every_family_that_says_nothing_else(tmp_path):
    text = GOOD.replace("families:", "defaults: {group: agentic, max_tokens: 77}\nfamilies:")
    family = load(write(tmp_path, text)).suite.families[0]
    assert (family.group, family.max_tokens) == ("agentic", 77)
    own = load(write(tmp_path, text.replace("id: one", "id: one\n    max_tokens: 5"))).suite.families[0]
    assert own.max_tokens == 5
