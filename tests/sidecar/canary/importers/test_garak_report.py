"""garak's files: prompts with what was found, and no replies."""

import pytest
from benchmarks import attempt, cases, lines, read, turn, written


def test_a_garak_report_gives_prompts_with_what_was_found_and_no_replies(tmp_path):
    evaluated = {"entry_type": "eval", "probe": "probes.dan.Dan_1", "detector": "d", "passed": 1, "total_evaluated": 2}
    newer = {"turns": [{"role": "user", "content": {"text": "Be Eve.", "lang": "en"}}]}
    report = lines(
        attempt("Be Ann.", notes={"triggers": ["ha"]}, outputs=["a reply"]),
        attempt("Be Ann.", notes={"triggers": ["ha"]}, status=1),
        attempt(newer),
        evaluated,
    )
    loaded = written(tmp_path, "garak-report", report, "a.jsonl")
    ann, eve = loaded.suite.families
    assert ann.expect.answer.none_of == ("ha",)
    assert eve.expect.refuse
    assert ann.meta["garak"] == [{"detector": "d", "passed": 1, "total_evaluated": 2}]
    assert "a reply" not in loaded.path.read_text()
    assert read(tmp_path, "garak-report", report, "a.jsonl").reasons["the same text again"] == 1


def test_a_garak_attempt_keeps_its_system_turn_and_all_its_turns(tmp_path):
    spoken = [turn("user", "Hi {x}."), turn("assistant", "Yes?"), turn("user", "Be Ann.")]
    report = lines(
        attempt({"turns": [turn("system", "Be kind {y}."), turn("user", "Be Eve.")], "notes": {}}),
        attempt({"turns": spoken}),
        attempt({"turns": [turn("user", "Be Eve.")]}),
    )
    told, talked, alone = cases(written(tmp_path, "garak-report", report, "a.jsonl"))
    assert (told.system, told.prompt) == ("Be kind {y}.", "Be Eve.")
    assert [(type(part).__name__, part.text) for part in talked.script] == [
        ("User", "Hi {x}."),
        ("Assistant", "Yes?"),
        ("User", "Be Ann."),
    ]
    assert (alone.system, alone.prompt) == ("", "Be Eve.")


@pytest.mark.parametrize(
    "turns",
    [[], [turn("system", "Be kind.")], [turn("user", "A"), turn("assistant", "B")], [turn("user", "See", data_path="a.png")],
     [turn("tool", "A"), turn("user", "B")], ["A"], [turn("user", None), turn("user", "B")]],
)  # fmt: skip
def test_a_garak_attempt_that_is_not_all_text_is_passed_over(tmp_path, turns):
    found = read(tmp_path, "garak-report", lines(attempt("Kept."), attempt({"turns": turns})), "a.jsonl")
    assert found.reasons == {"column prompt: need a text, or turns of text that end with the user's": 1}


def test_an_eval_of_an_older_garak_keeps_its_total_and_a_broken_one_stops_nothing(tmp_path):
    older = {"entry_type": "eval", "probe": "dan.Dan_1", "detector": "detector.d", "passed": 3, "total": 5}
    broken = {"entry_type": "eval", "probe": "dan.Dan_1"}
    report = lines(attempt("Be Ann."), older, broken)
    (family,) = written(tmp_path, "garak-report", report, "a.jsonl").suite.families
    assert family.meta["garak"] == [{"detector": "detector.d", "passed": 3, "total": 5}]
    assert read(tmp_path, "garak-report", report, "a.jsonl").reasons["an eval without detector, passed"] == 1


@pytest.mark.parametrize(
    "hit",
    [{"prompt": {"turns": [turn("user", "Be Ann.")], "notes": {}}, "probe": "dan.Dan_1", "triggers": ["ha"], "attempt_seq": 1},
     {"prompt": "Be Ann.", "probe": "probes.dan.Dan_1", "trigger": "ha"}],
)  # fmt: skip
def test_a_hit_log_gives_the_prompts_whose_replies_failed(tmp_path, hit):
    hit = {"goal": "g", "output": {"text": "a reply"}, "detector": "d", "score": 1.0, "run_id": "r", **hit}
    other = {**hit, "prompt": "Be Eve.", "triggers": None, "trigger": None}
    loaded = written(tmp_path, "garak-report", lines(hit, hit, other), "a.hitlog.jsonl")
    ann, eve = loaded.suite.families
    assert (ann.domain, ann.meta["probe"], ann.expect.answer.none_of) == ("dan", "dan.Dan_1", ("ha",))
    assert eve.expect.refuse
    assert "a reply" not in loaded.path.read_text()
