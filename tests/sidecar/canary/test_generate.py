"""Rendering: the same secret and epoch give the same bytes, another epoch gives other prompts."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from sidecar.canary.conversation import Assistant, User
from sidecar.canary.draws import Draws, secret_id
from sidecar.canary.fill import filled
from sidecar.canary.generate import GENERATION, render, sleeping
from sidecar.canary.likeness import ALIKE, grams, likeness
from sidecar.canary.loading import built_in_paths, load, load_all
from sidecar.canary.printed import lines
from sidecar.canary.wrappers import WRAPPERS, wrapped
from sidecar.cli import main

SECRET = bytes(range(32))
ROOT = Path(__file__).parents[3]


def suite_of(tmp_path, families, head=""):
    path = tmp_path / "suite.yaml"
    path.write_text(f"version: 1\nsuite: demo\n{head}\nfamilies:\n{families}", encoding="utf-8")
    return load(path)


def family(name, rest="prompts: {en: 'Say {w} to {who}.'}, expect: {comply: true}"):
    return f"  - {{id: {name}, slots: {{w: {{nonce: 8}}, who: {{name: true}}}}, {rest}}}\n"


def prompts(suites, epoch, secret=SECRET, **options):
    return [
        "|".join([case.system, *(message.text for message in case.script if isinstance(message, User))])
        for suite in suites
        for case in render(suite, secret, epoch, **options)
    ]


def kilter(*args, secret=None):
    return CliRunner().invoke(main, ["canary", *args], env={"KILTER_CANARY_SECRET": secret or SECRET.hex()})


def test_draws_are_these_on_every_machine_and_python():
    draws = Draws(SECRET, "pinned")
    seen = [draws.nonce(8), draws.below(1000), draws.name(), draws.shuffled("abcdef"), round(draws.share(), 12)]
    assert seen == PINNED


PINNED = ["fagewuju", 920, "Quirin Estermann", ["e", "b", "f", "d", "c", "a"], 0.396089422001]


def test_a_draw_below_n_is_even():
    counts = Counter(Draws(SECRET, f"even {at}").below(7) for at in range(7000))
    assert set(counts) == set(range(7))
    assert all(abs(count - 1000) < 130 for count in counts.values())  # 4.4 standard deviations


def test_a_secret_is_named_without_being_told():
    assert secret_id(SECRET) == hashlib.sha256(b"kilter canary secret id|" + SECRET).hexdigest()[:8]
    with pytest.raises(ValueError, match="32 bytes") as caught:
        Draws(b"short-secret", "x")
    assert "short-secret" not in str(caught.value)


def test_the_same_secret_and_epoch_are_byte_identical_in_every_process():
    env = {**os.environ, "KILTER_CANARY_SECRET": SECRET.hex(), "PYTHONHASHSEED": "4711"}
    command = [sys.executable, "-m", "sidecar", "canary", "render", "--epoch", "12"]
    other = subprocess.run(command, capture_output=True, cwd=ROOT, env=env, check=True).stdout.decode()
    assert kilter("render", "--epoch", "12").stdout == other
    assert len(other.splitlines()) > 200


def test_two_epochs_share_no_prompt_and_two_secrets_neither():
    suites = load_all(built_in_paths())
    rendered = [prompts(suites, epoch, frozen=False) for epoch in (2900, 2901, 2950)]
    other = prompts(suites, 2900, bytes(32), frozen=False)
    for one, two in ((0, 1), (0, 2), (1, 2)):
        assert not set(rendered[one]) & set(rendered[two])
    assert not set(rendered[0]) & set(other)


def test_no_prompt_of_an_epoch_reads_like_that_of_another():
    suites = load_all(built_in_paths())

    def read(epoch):
        cases = [case for suite in suites for case in render(suite, SECRET, epoch, frozen=False)]
        return {(case.suite, case.family, case.variant, case.language): grams(case.prompt) for case in cases}

    for one, two in ((2900, 2901), (2930, 2931), (2931, 2950)):
        first, second = read(one), read(two)
        assert [case for case in first if likeness(first[case], second[case]) > ALIKE] == []


EVERY_KIND = """  - id: all
    wrappers: [plain, email, ticket, json_field, code_comment, table, tool_result]
    draws: 20
    slots: {w: {nonce: 8}, who: {name: true}, n: {int: [1, 900]}, c: {choice: [ä, "ß", "東"]}, l: {choice: {en: [a, b], tr: [ş, ğ]}}}
    prompts: {en: ["Say {w} to {who}, {n} times, {c} {l}.", "{who}: {w}?"], tr: ["{who} için {n} kez {w} de, {c} {l}."]}
    expect: {contains_nonce: w}
    twin: {prompts: {en: "Greet {who}."}, expect: {comply: true}}
  - {id: fact, flip: true, slots: {d: {int: [1, 9]}}, prompts: {en: "Are {d} g too much?"}, truth: {expr: "d > 4", yes_no: true, source: x, as_of: 2026-01, expires: 2099-01}, expect: {answer: {yes_no: "{truth}"}}}
  - {id: rungs, kind: ladder, ladder: {axis: depth, rungs: [0, 4]}, slots: {w: {nonce: 8}}, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}
"""


def test_the_bytes_of_every_kind_of_prompt_are_these_on_every_machine_and_python(tmp_path):
    suite = suite_of(tmp_path, EVERY_KIND)
    text = "".join(f"{line}\n" for epoch in (0, 1, 2931) for line in lines(render(suite, SECRET, epoch, shift=2)))
    assert (
        hashlib.sha256(text.encode()).hexdigest() == "43be491fd079528c41909ebe3a77941f8237a56d488bbb0b2335e4f21e4d4f5a"
    )


def test_frozen_forms_are_the_same_in_every_epoch_and_under_every_secret():
    suites = load_all(built_in_paths())

    def frozen(epoch, secret):
        return [case.script for suite in suites for case in render(suite, secret, epoch) if case.frozen]

    assert frozen(1, SECRET) == frozen(2900, bytes(32))
    assert len(frozen(1, SECRET)) > 20


def test_used_up_draws_of_an_epoch_do_not_return(tmp_path):
    suite = suite_of(tmp_path, family("one", "draws: 2, prompts: {en: 'Say {w}'}, expect: {comply: true}"))
    rounds = [prompts([suite], 5, shift=shift) for shift in range(4)]
    assert len({text for texts in rounds for text in texts}) == 8


def test_a_prompt_like_one_of_the_epochs_before_is_drawn_again(tmp_path):
    long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
    rest = f"prompts: {{en: '{long} {{c}}'}}, expect: {{comply: true}}"
    suite = suite_of(tmp_path, f"  - {{id: a, draws: 30, slots: {{c: {{int: [1, 400]}}}}, {rest}}}\n")
    seen = [prompts([suite], epoch) for epoch in range(40)]
    repeats = sum(one == two for last, this in pairwise(seen) for one, two in zip(last, this, strict=True))
    assert repeats == 0  # some three if nothing were drawn again


def test_likeness_is_that_of_five_word_runs():
    assert likeness(grams("a b c d e f"), grams("a b c d e f")) == 1
    assert likeness(grams("a b c d e f"), grams("a b c d e g")) == pytest.approx(1 / 3)
    assert ALIKE == 0.8


def test_some_families_sleep_until_an_epoch_that_the_secret_chooses(tmp_path):
    suite = suite_of(tmp_path, "".join(family(f"f{at}") for at in range(10)), "rotation: {holdout_fraction: 0.3}").suite
    asleep = [sleeping(suite, SECRET, epoch) for epoch in range(GENERATION)]
    assert len(asleep[0]) == 3
    assert asleep[-1] == frozenset()
    assert all(later <= earlier for earlier, later in pairwise(asleep))
    assert sleeping(suite, bytes(32), 0) != asleep[0] or sleeping(suite, bytes(32), GENERATION) != sleeping(
        suite, SECRET, GENERATION
    )


def test_languages_twins_and_direct_forms_share_their_draws(tmp_path):
    rest = (
        "prompts: {en: 'A {w}', tr: 'B {w}'}, twin: {prompts: {en: 'C {w}'}, expect: {comply: true}}, "
        "direct: {prompts: {en: 'D {w}'}}, expect: {comply: true}"
    )
    cases = render(suite_of(tmp_path, family("one", rest)), SECRET, 3)
    assert [(case.variant, case.language) for case in cases] == [
        ("", "en"),
        ("", "tr"),
        ("twin", "en"),
        ("direct", "en"),
    ]
    assert len({case.values["w"] for case in cases}) == 1
    assert len({case.pair for case in cases}) == 1


def test_a_choice_may_be_worded_in_each_language(tmp_path):
    rest = "prompts: {en: '{fruit}', tr: '{fruit}'}, expect: {comply: true}"
    head = "slots: {fruit: {choice: {en: [apple, pear], tr: [elma, armut]}}}"
    for epoch in range(8):
        one, two = render(suite_of(tmp_path, family("one", rest), head), SECRET, epoch)
        assert (one.prompt, two.prompt) in {("apple", "elma"), ("pear", "armut")}


def test_facts_that_have_expired_are_not_asked():
    (suite,) = (suite for suite in load_all(built_in_paths()) if suite.suite.suite == "facts_medical")
    assert {case.retired for case in render(suite, SECRET, 1, today=date(2027, 12, 31))} == {""}
    assert {case.retired for case in render(suite, SECRET, 1, today=date(2028, 1, 1))} == {"expired"}


def test_a_flip_asks_once_where_the_truth_is_yes_and_once_where_it_is_no():
    for suite in load_all(built_in_paths()):
        for case in render(suite, SECRET, 77):
            if case.truth is not None:
                assert case.truth is (case.variant == "yes")
                assert case.expect.answer.yes_no == ("yes" if case.truth else "no")


def test_numbers_in_expectations_stay_numbers():
    assert filled({"gt": "{n}", "text": "over {n}", "raw": "{{n}} {m}"}, {"n": 5}) == {
        "gt": 5,
        "text": "over 5",
        "raw": "{n} {m}",
    }


def test_a_ladder_asks_the_same_last_request_on_every_rung():
    (ladders,) = (suite for suite in load_all(built_in_paths()) if suite.suite.suite == "ladders")
    cases = {case.variant: case for case in render(ladders, SECRET, 9) if case.family.endswith("_review")}
    for axis, rungs in (("depth", (0, 4, 16)), ("tools", (0, 3, 8)), ("repeats", (0, 4, 9))):
        scripts = [cases[f"{axis}={rung}"].script for rung in rungs]
        assert len({script[-1] for script in scripts}) == 1
        assert [sum(isinstance(m, User) for m in script) for script in scripts] == [1 + rung for rung in rungs]
    spoken = cases["depth=16"].script
    assert all(isinstance(answer, Assistant) for answer in spoken[1::2])
    assert [len(m.calls) for m in cases["tools=3"].script if isinstance(m, Assistant)] == [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize("form", WRAPPERS)
def test_every_wrapper_keeps_the_words_of_the_request(form):
    assert "Say kalomire to Ilka." in wrapped(form, "Say kalomire to Ilka.")
    assert (wrapped(form, "x") == "x") is (form == "plain")


def test_render_prints_a_line_a_prompt_or_one_document():
    lines = [
        json.loads(line) for line in kilter("render", "--epoch", "3", "--suite", "facts_legal").stdout.splitlines()
    ]
    document = json.loads(kilter("render", "--epoch", "3", "--suite", "facts_legal", "--json").stdout)
    assert document["prompts"] == lines
    assert document["secret_id"] == secret_id(SECRET)
    assert {line["suite"] for line in lines} == {"facts_legal"}


def test_the_secret_may_stand_in_a_file(tmp_path):
    file = tmp_path / "secret"
    file.write_text(f"{SECRET.hex()}\n")
    wanted = kilter("render", "--epoch", "3", "--suite", "facts_legal").stdout
    assert kilter("render", "--epoch", "3", "--suite", "facts_legal", secret=str(file)).stdout == wanted
    by_option = ["canary", "render", "--epoch", "3", "--suite", "facts_legal", "--secret-file", str(file)]
    assert CliRunner().invoke(main, by_option, env={"KILTER_CANARY_SECRET": None}).stdout == wanted


def test_without_a_secret_one_is_made_and_kept_in_the_state_directory(tmp_path):
    args = ["canary", "render", "--epoch", "3", "--suite", "facts_legal", "--state", str(tmp_path / "state")]
    first, second = (CliRunner().invoke(main, args, env={"KILTER_CANARY_SECRET": None}).stdout for _ in range(2))
    assert first == second
    assert first != kilter("render", "--epoch", "3", "--suite", "facts_legal").stdout
    assert (tmp_path / "state" / "canary_secret").stat().st_mode & 0o77 == 0


def test_a_secret_that_is_none_is_a_usage_error_and_is_not_told():
    done = kilter("render", "--epoch", "1", secret="abcd1234-not-hex")
    assert done.exit_code == 2
    assert "KILTER_CANARY_SECRET" in done.output
    assert "abcd1234" not in done.output
