"""Days of canaries in simulated time against real servers: budgets, users first, outages, clocks that jump, nothing lost."""

import random
import sqlite3

import pytest
from canary_days import Asking, World

from sidecar.canary.expect import decide
from sidecar.canary.patrol import RUN
from sidecar.canary.schedule import DAY_S


@pytest.fixture
async def world():
    async with World() as world:
        yield world


def most_within(times, seconds):
    """The most of ``times`` in any stretch of ``seconds``."""
    return max((sum(start <= other < start + seconds for other in times) for start in times), default=0)


async def test_a_days_canaries_come_as_often_as_planned_and_every_result_is_kept(world, tmp_path):
    async with Asking(world, tmp_path) as asking:
        await asking.go_on(DAY_S)
        assert 230 < len(world.asked_s) < 350  # 288 in the mean, Poisson
        assert {outcome for outcome, _ in asking.outcomes()} == {"pass"}
        rows = asking.results.rows(run=RUN)
    assert len(rows) == len(world.asked_s)
    assert len({(row.case_id, row.epoch, row.repeat) for row in rows}) == len(rows)  # nothing twice


async def test_the_budgets_of_day_and_minute_hold_while_users_come_and_go(world, tmp_path):
    world.usage = (100, 40)
    spent_s = []
    async with Asking(world, tmp_path, mean_s=20.0, budget=9000, minute=420) as asking:
        rng = random.Random(2)
        for _ in range(24):  # six hours
            await asking.go_on(600)
            world.busy_until_s = world.passed_s + rng.uniform(0, 600)
            await asking.go_on(300)
        spent_s = world.asked_s
        assert asking.results.spent("2025-07-31") + asking.results.spent("2025-08-01") == 140 * len(spent_s)
    assert 40 < len(spent_s) <= 9000 // 140
    assert 140 * most_within(spent_s, 60) <= 420
    assert asking.outcomes()[-1][0] == "skipped"
    assert {reason for outcome, reason in asking.outcomes() if outcome == "skipped"} >= {"the day's budget is spent"}


async def test_no_canary_is_sent_while_users_are_served_and_none_is_made_up_for_afterwards(world, tmp_path):
    async with Asking(world, tmp_path) as asking:
        await asking.go_on(3600)
        world.busy_until_s = world.passed_s + 6 * 3600
        busy_from_s = world.passed_s
        await asking.go_on(8 * 3600)
        assert ("skipped", "busy") in asking.outcomes()
        after = [at for at in world.asked_s if at > busy_from_s]
    assert after
    assert min(after) >= world.busy_until_s
    assert most_within(after, 600) < 10  # 2 in the mean


async def test_a_wall_clock_that_jumps_makes_no_burst_and_loses_nothing(world, tmp_path):
    async with Asking(world, tmp_path, mean_s=300.0) as asking:
        for jump_s in (0.0, 3 * DAY_S, -2 * DAY_S, 40 * DAY_S, -41 * DAY_S):
            world.wall_s += jump_s
            before = len(world.asked_s)
            await asking.go_on(6 * 3600)
            assert 40 < len(world.asked_s) - before < 110, jump_s  # 72 in the mean
        assert asking.lost == 0
        rows = asking.results.rows(run=RUN)
    assert most_within(world.asked_s, 600) < 12
    assert len(rows) == len(world.asked_s)


async def test_a_pause_of_the_process_is_not_made_up_for(world, tmp_path):
    async with Asking(world, tmp_path) as asking:
        await asking.go_on(3600)
        world.passed_s += 12 * 3600  # stopped, then continued
        world.wall_s += 12 * 3600
        before = len(world.asked_s)
        await asking.go_on(600)
    assert len(world.asked_s) - before < 8


async def test_a_server_that_is_down_is_asked_ever_more_rarely_and_again_once_it_is_back(world, tmp_path):
    world.status = 500
    async with Asking(world, tmp_path, mean_s=200.0) as asking:
        await asking.go_on(DAY_S)
        assert len(world.asked_s) < 15  # and not 432
        assert {outcome for outcome, _ in asking.outcomes()} == {"error", "skipped"}
        assert ("skipped", "circuit_open") in asking.outcomes()
        world.status = 200
        before = len(world.asked_s)
        await asking.go_on(1.2 * DAY_S)
        assert len(world.asked_s) > before + 30
        assert asking.outcomes()[-1] == ("pass", "")


async def test_where_results_cannot_be_kept_nothing_is_asked(world, tmp_path):
    async with Asking(world, tmp_path, mean_s=60.0) as asking:
        await asking.go_on(600)
        before = len(world.asked_s)
        with sqlite3.connect(tmp_path / "canary.db") as other:
            other.execute("ALTER TABLE spent RENAME TO gone")
        await asking.go_on(3600)
        assert len(world.asked_s) == before
        assert asking.lost > 30
        with sqlite3.connect(tmp_path / "canary.db") as other:
            other.execute("ALTER TABLE gone RENAME TO spent")
        other.close()
        await asking.go_on(3600)
        assert len(world.asked_s) > before + 30


async def test_a_prompt_that_brings_out_an_error_of_ours_does_not_keep_the_others_from_being_asked(
    world, tmp_path, monkeypatch
):
    def failing(case, transcript, opinions=None):
        if case.family == "en":
            raise RuntimeError("a mistake")
        return decide(case, transcript, opinions)

    monkeypatch.setattr("sidecar.canary.prober.decide", failing)
    async with Asking(world, tmp_path) as asking:
        await asking.go_on(DAY_S / 4)
        assert asking.lost > 10
        assert {(probe.case.family, probe.case.language) for probe in asking.told} == {("both", "en"), ("both", "tr")}
        assert len(asking.told) > 20


async def test_a_suite_that_breaks_or_goes_while_it_is_asked_stays_in_use_as_it_was(world, tmp_path):
    async with Asking(world, tmp_path) as asking:
        await asking.go_on(3600)
        (tmp_path / "suites/mine.yaml").write_text("suite: [", encoding="utf-8")
        await asking.go_on(3600)
        broken = len(asking.told)
        (tmp_path / "suites/mine.yaml").unlink()
        await asking.go_on(3600)
    assert len(asking.told) > broken + 3
    assert {outcome for outcome, _ in asking.outcomes()} == {"pass"}


async def test_languages_are_asked_as_users_speak_them(world, tmp_path):
    async with Asking(world, tmp_path, mix=lambda: {"en": 30.0, "tr": 70.0}) as asking:
        await asking.go_on(DAY_S)
        asked = [probe.case.language for probe in asking.told]
    assert asked.count("tr") / len(asked) == pytest.approx(0.7, abs=0.05)


EIGHT = {"en": 40, "tr": 20, "bn": 12, "ro": 10, "sw": 8, "es": 5, "de": 5, "fr": 0}
TONGUES = """version: 1
suite: mine
families:
  - id: all
    kind: translation_set
    group: multilingual
    draws: 40
    slots: {w: {nonce: 8}}
    prompts: {en: "Say {w}.", tr: "{w} de.", bn: "{w} বলো।", ro: "Spune {w}.", sw: "Sema {w}.", es: "Di {w}.", de: "Sag {w}.", fr: "Dis {w}."}
    expect: {contains_nonce: w}
"""


async def test_tokens_and_canaries_follow_the_mix_of_eight_languages_within_five_points_and_a_silent_one_keeps_its_floor(
    world, tmp_path
):
    (tmp_path / "suites").mkdir()
    (tmp_path / "suites/mine.yaml").write_text(TONGUES, encoding="utf-8")
    async with Asking(world, tmp_path, mean_s=100.0, mix=lambda: EIGHT) as asking:
        await asking.go_on(DAY_S)
        told = asking.told
    for language, percent in EIGHT.items():
        own = [probe for probe in told if probe.case.language == language]
        assert len(own) / len(told) == pytest.approx(percent / 100, abs=0.05), language
        spent = sum(probe.tokens for probe in own) / sum(probe.tokens for probe in told)
        assert spent == pytest.approx(percent / 100, abs=0.05), language
        assert len(own) >= 0.005 * len(told), language
