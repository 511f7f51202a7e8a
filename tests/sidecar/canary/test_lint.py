"""Lint: what makes results wrong is an error, what makes them weaker a warning; each with its place."""

from datetime import date

import pytest

from sidecar.canary.lint import lint
from sidecar.canary.loading import built_in_paths, load, load_all
from sidecar.canary.suite import GROUPS

TODAY = date(2026, 12, 1)
HEAD = """version: 1
suite: demo
not_measured: much
reviewed_at: 2026-11-01
thresholds: {pass_ratio: 0.9}
slots: {w: {nonce: 8}, who: {name: true}}
families:
"""
FACT = "truth: {expr: 'n > 1', yes_no: true, source: s, as_of: 2026-01, expires: 2027-01}, slots: {n: {int: [0, 3]}}, "
TWIN = "twin: {prompts: {en: 'Say {w}.'}, expect: {comply: true}}, "
RULES = {
    "unknown-slot": ("error", "{id: a, prompts: {en: 'Say {w} and {x}.'}, expect: {comply: true}}", 8, ""),
    "expired-fact": (
        "error",
        "{id: a, prompts: {en: '{w} {n}?'}, " + FACT.replace("2027-01", "2026-12") + "expect: {answer: {yes_no: '{truth}'}}}",
        8,
        "",
    ),
    "low-resource": ("error", "{id: a, group: multilingual, prompts: {en: '{w}', tr: '{w}'}, expect: {comply: true}}", 2, ""),
    "missing-image": ("error", "{id: a, prompts: {en: [[{text: 'What is {w}?'}, {image: no.png}]]}, expect: {comply: true}}", 8, ""),
    "marker-only": ("warning", "{id: a, prompts: {en: 'Lie about {w}.'}, " + TWIN + "expect: {refuse: true}}", 8, ""),
    "no-twin": ("warning", "{id: a, prompts: {en: 'Lie about {w}.'}, expect: {refuse: true, delivery: {slot_echo: w}}}", 8, ""),
    "few-forms": ("warning", "{id: a, prompts: {en: 'Say hello.'}, expect: {comply: true}}", 8, ""),
    "missing-threshold": ("warning", "{id: a, prompts: {en: '{w}'}, expect: {comply: true}}", 1, "thresholds: {pass_ratio: 0.9}\n"),
    "not-measured": ("warning", "{id: a, prompts: {en: '{w}'}, expect: {comply: true}}", 2, "not_measured: much\n"),
    "unreviewed": ("warning", "{id: a, prompts: {en: '{w}'}, expect: {comply: true}}", 4, "2026-11-01>2026-08-01"),
    "public": ("warning", "{id: a, prompts: {en: '{w}'}, expect: {comply: true}}", 3, "not_measured>public: true\nnot_measured"),
}  # fmt: skip


def suite(tmp_path, family, change=""):
    head = HEAD.replace(*change.split(">")) if ">" in change else HEAD.replace(change, "") if change else HEAD
    path = tmp_path / "demo.yaml"
    path.write_text(f"{head}  - {family}\n", encoding="utf-8")
    return load(path)


def remarks(tmp_path, *args, today=TODAY):
    return lint([suite(tmp_path, *args)], today)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_speaks_where_it_should_with_file_and_line_and_no_other_does(tmp_path, rule):
    level, family, line, change = RULES[rule]
    said = remarks(tmp_path, family, change)
    assert [(remark.level, remark.rule) for remark in said] == [(level, rule)]
    assert said[0].place == f"{tmp_path / 'demo.yaml'}:{line}"
    assert said[0].line().startswith(f"{tmp_path / 'demo.yaml'}:{line}: {level}: ")


def test_a_good_suite_is_passed_over_in_silence(tmp_path):
    assert remarks(tmp_path, "{id: a, prompts: {en: 'Say {w}.'}, expect: {contains_nonce: w}}") == []


def test_a_waiver_or_a_low_resource_language_answers_for_itself(tmp_path):
    family = "{id: a, group: multilingual, prompts: {en: '{w}', LANG: '{w}'}, expect: {comply: true}}"
    assert remarks(tmp_path, family.replace("LANG", "sw")) == []
    waived = "not_measured: much>not_measured: much\nlow_resource_waiver: no users of one"
    assert remarks(tmp_path, family.replace("LANG", "tr"), waived) == []


def test_a_word_that_is_no_slot_is_looked_for_as_it_stands_and_said_so(tmp_path):
    family = "{id: a, prompts: {en: 'Say {w}.'}, expect: {contains_nonce: NAME}}"
    said = remarks(tmp_path, family.replace("NAME", "v"))
    assert [(remark.level, remark.rule) for remark in said] == [("warning", "unknown-slot")]
    assert remarks(tmp_path, family.replace("NAME", "'{w}'")) == []
    assert [remark.level for remark in remarks(tmp_path, family.replace("NAME", "'{v}'"))] == ["error"]


def test_a_fact_is_fine_until_the_day_it_expires(tmp_path):
    family = "{id: a, prompts: {en: '{w} {n}?'}, " + FACT + "expect: {answer: {yes_no: '{truth}'}}}"
    rules = lambda day: [remark.rule for remark in remarks(tmp_path, family, "reviewed_at: 2026-11-01\n", today=day)]  # noqa: E731
    assert rules(date(2026, 12, 31)) == []
    assert rules(date(2027, 1, 1)) == ["expired-fact"]


def test_the_built_in_suites_are_clean_and_leave_no_group_out():
    assert lint(load_all(built_in_paths()), TODAY, whole=True) == []


def test_a_group_that_nobody_asks_about_is_told(tmp_path):
    one = suite(
        tmp_path, "{id: a, group: adversarial, quadrant: harmful_input, prompts: {en: '{w}'}, expect: {comply: true}}"
    )
    missing = {remark.message.rpartition(" ")[2] for remark in lint([one], TODAY, whole=True) if remark.key == "group"}
    assert missing == set(GROUPS) - {"adversarial"}


def test_every_group_has_ten_families_and_every_suite_says_what_it_does_not_measure():
    loaded = load_all(built_in_paths())
    counts = dict.fromkeys(GROUPS, 0)
    for one in loaded:
        assert one.suite.not_measured
        assert one.suite.licence
        for family in one.suite.families:
            counts[family.group] = counts.get(family.group, 0) + 1
            counts["overrefusal"] += family.twin is not None
    assert min(counts[group] for group in GROUPS) >= 10


def test_machine_translations_are_marked():
    (translations,) = (one.suite for one in load_all(built_in_paths()) if one.suite.suite == "translations")
    for family in translations.families:
        assert set(family.prompts) == {"en", "tr", "bn", "ro", "sw", "es"}
        assert {tag: wording.status for tag, wording in family.prompts.items() if wording.status != "machine"} == {
            "en": None
        }


def test_every_fact_names_its_source_and_its_end():
    facts = [family for one in load_all(built_in_paths()) for family in one.suite.families if family.truth]
    assert 10 <= len(facts) <= 20
    assert all(family.truth.source and family.truth.expires > family.truth.as_of and family.flip for family in facts)
