"""What is still to be asked: every prompt once a pass, the same draw for all languages, nothing twice over a restart."""

from collections import Counter

import pytest

from sidecar.canary.agenda import Agenda
from sidecar.canary.draws import secret_id
from sidecar.canary.loading import load_all
from sidecar.canary.results import Results, Row

SECRET = bytes([7]) * 32
WEEK_S = 7 * 86400
NOW_S = 2900 * WEEK_S + 10.0
SUITE = """version: 1
suite: pairs
rotation: {max_uses: 2, epoch: 7d}
slots: {w: {nonce: 8}}
families:
  - {id: one, kind: translation_set, prompts: {en: "Say {w}.", tr: "De ki {w}."}, expect: {contains_nonce: w}}
  - {id: two, kind: translation_set, prompts: {en: "Now say {w}.", tr: "Simdi de ki {w}."}, expect: {contains_nonce: w}}
  - {id: seen, prompts: {en: [[{text: "What is it?"}, {image: a.png}]]}, expect: {comply: true}}
  - id: old
    truth: {expr: 1 <= 2, yes_no: true, source: a, as_of: 2020-01, expires: 2020-02}
    prompts: {en: "Is one less than two?"}
    expect: {answer: {yes_no: "{truth}"}}
"""


@pytest.fixture
def suites(tmp_path):
    (tmp_path / "pairs.yaml").write_text(SUITE, encoding="utf-8")
    return load_all([tmp_path / "pairs.yaml"])


@pytest.fixture
def results(tmp_path):
    with Results(tmp_path / "canary.db") as results:
        yield results


def agenda_of(suites, results, **more):
    agenda = Agenda(SECRET, results, **more)
    agenda.renew(suites)
    return agenda


def asked(agenda, cell, count, now_s=NOW_S):
    found = []
    for _ in range(count):
        case, repeat = agenda.next(cell, now_s)
        agenda.done(case, repeat)
        found.append((case.family, case.index, repeat, case.prompt))
    return found


EN, TR = ("pairs", "en"), ("pairs", "tr")


def test_a_pass_asks_every_prompt_once_and_used_up_draws_make_room_for_new_ones(suites, results):
    found = asked(agenda_of(suites, results), EN, 6)
    assert [(family, draw, repeat) for family, draw, repeat, _ in found] == [
        ("one", 0, 0), ("two", 0, 0), ("one", 0, 1), ("two", 0, 1), ("one", 1, 0), ("two", 1, 0),
    ]  # fmt: skip
    assert found[0][3] == found[2][3] != found[4][3]


def test_what_cannot_be_asked_is_not_on_it(suites, results):
    assert {case.family for case in agenda_of(suites, results).cells(NOW_S)[EN]} == {"one", "two"}
    assert {case.family for case in agenda_of(suites, results, vision=True).cells(NOW_S)[EN]} == {"one", "two", "seen"}


def test_all_languages_draw_the_same_whatever_their_pace(suites, results):
    agenda = agenda_of(suites, results)
    english = asked(agenda, EN, 2)
    turkish = asked(agenda, TR, 2)
    assert [prompt.split()[-1] for *_, prompt in english] == [prompt.split()[-1] for *_, prompt in turkish]
    assert results.most_uses() == {"pairs": 1}  # one pass through the draw, in two languages
    asked(agenda, EN, 4)
    assert asked(agenda, TR, 1)[0][1] == 1  # a draw that is used up does not return


@pytest.mark.parametrize("before", [1, 3])
def test_what_was_asked_before_a_restart_is_not_asked_again(suites, results, before):
    first = asked(agenda_of(suites, results), EN, before)
    for family, draw, repeat, _ in first:
        results.add(row(family, draw, repeat))
    after = Agenda(SECRET, results)
    after.recall(results.rows(), suites)
    after.renew(suites)
    second = asked(after, EN, 3)
    together = Counter((family, draw, repeat) for family, draw, repeat, _ in first + second)
    assert set(together.values()) == {1}
    assert len(together) == before + 3


def row(family, draw, repeat):
    return Row(
        NOW_S, "schedule", "pairs", family, "", "en", 2900, draw, repeat, secret_id(SECRET), "g", "single", "none",
        "", "", False, False, "m", "", "pass", "nonce", "", "", "", 1, 0.1,
    )  # fmt: skip


def test_uses_by_others_count(suites, results):
    results.expose(secret_id(SECRET), "pairs", 2900, 0, NOW_S)
    results.expose(secret_id(SECRET), "pairs", 2900, 0, NOW_S)
    assert asked(agenda_of(suites, results), EN, 1)[0][1] == 1


def test_a_new_epoch_has_new_prompts_and_a_clock_set_back_finds_the_old_ones_asked(suites, results):
    agenda = agenda_of(suites, results)
    first = asked(agenda, EN, 1)
    asked(agenda, EN, 1, NOW_S + WEEK_S)
    back = asked(agenda, EN, 1)
    assert first[0][:3] == ("one", 0, 0)
    assert back[0][:3] == ("two", 0, 0)


def test_what_was_put_off_comes_back_and_what_was_given_up_does_not(suites, results):
    agenda = agenda_of(suites, results)
    case, repeat = agenda.next(EN, NOW_S)
    agenda.done(case, repeat, again=True)
    other, _ = agenda.next(EN, NOW_S)
    agenda.done(other, 0)
    assert [(family, repeat) for family, _, repeat, _ in asked(agenda, EN, 2)] == [("one", 0), ("one", 1)]


def test_every_draw_is_told_of_before_its_first_prompt(suites, results):
    told = []
    agenda = agenda_of(suites, results, opened=lambda _, epoch, draw: told.append((epoch, draw)))
    asked(agenda, EN, 4)
    assert told == [(2900, 0)]
    agenda.next(TR, NOW_S)
    agenda.next(EN, NOW_S)
    assert told == [(2900, 0), (2900, 1)]


def test_a_suite_that_is_gone_has_no_cells_and_one_that_changed_begins_anew(suites, results):
    agenda = agenda_of(suites, results)
    agenda.next(EN, NOW_S)
    agenda.renew(())
    assert agenda.cells(NOW_S) == {}
    agenda.renew(suites)
    assert agenda.next(EN, NOW_S)[0].family == "one"
