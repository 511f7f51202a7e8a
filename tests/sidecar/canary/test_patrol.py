"""Days of canaries in simulated time against real servers: budgets, users first, outages, clocks that jump, nothing lost."""

import json
import random
import sqlite3

import aiohttp
import pytest
from aiohttp import web

from sidecar.canary.agenda import Agenda
from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.draws import secret_id
from sidecar.canary.expect import decide
from sidecar.canary.patrol import RUN, Patrol
from sidecar.canary.prober import Prober
from sidecar.canary.results import Results
from sidecar.canary.schedule import DAY_S, Minute
from sidecar.canary.shelf import Shelf
from sidecar.canary.targets.base import targets
from sidecar.canary.window import Window

SECRET = bytes([7]) * 32
START_S = 2900 * 7 * DAY_S + 100.0
SUITE = """version: 1
suite: mine
rotation: {max_uses: 3}
slots: {w: {nonce: 8}}
families:
  - {id: en, group: agentic, prompts: {en: "Say {w}."}, expect: {contains_nonce: w}}
  - {id: both, kind: translation_set, group: multilingual, prompts: {en: "Now say {w}.", tr: "Şimdi {w} de."}, expect: {contains_nonce: w}}
"""


class World:
    """A clock that passes only by sleeping, a server, and users who come and go by it."""

    def __init__(self):
        self.passed_s = 0.0
        self.wall_s = START_S
        self.busy_until_s = 0.0
        self.asked_s = []
        self.answers = lambda text: text
        self.status = 200
        self.usage = (20, 5)

    async def sleep(self, seconds):
        self.passed_s += seconds
        self.wall_s += seconds

    async def busy(self):
        return self.passed_s < self.busy_until_s

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _chat(self, request):
        body = json.loads(await request.read())
        self.asked_s.append(self.passed_s)
        if self.status != 200:
            return web.Response(status=self.status)
        message = {"role": "assistant", "content": self.answers(body["messages"][-1]["content"])}
        usage = {"prompt_tokens": self.usage[0], "completion_tokens": self.usage[1]}
        return web.json_response({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})


class Asking:
    """A patrol of ``world`` whose results lie in ``folder``."""

    def __init__(self, world, folder, *, mean_s=300.0, budget=10**6, minute=10**5, seed=5, mix=dict):
        self.world, self.folder, self.mean_s = world, folder, mean_s
        self.budget, self.minute, self.seed, self.mix = budget, minute, seed, mix
        self.told, self.lost = [], 0

    async def __aenter__(self):
        world = self.world
        self._session = aiohttp.ClientSession()
        self.results = Results(self.folder / "canary.db")
        (self.folder / "suites").mkdir(exist_ok=True)
        path = self.folder / "suites/mine.yaml"
        if not path.exists():
            path.write_text(SUITE, encoding="utf-8")
        asker = Asker(self._session, Endpoint(targets()["openai.chat"], world.url, "m"))
        self.prober = Prober(
            asker,
            self.results,
            budget=self.budget,
            now=lambda: world.wall_s,
            load=world,
            minute=Minute(self.minute),
            breaker=5,
            rest_s=600.0,
            clock=lambda: world.passed_s,
            sleep=world.sleep,
        )
        self.window = Window(7 * DAY_S)
        self.patrol = Patrol(
            Shelf(self.folder / "suites", ("mine",)),
            Agenda(SECRET, self.results),
            self.prober,
            self.results,
            self.window,
            secret_id=secret_id(SECRET),
            mean_s=self.mean_s,
            rng=random.Random(self.seed),
            now=lambda: world.wall_s,
            mix=self.mix,
            told=self.told.append,
            failed=self._failed,
            sleep=self.sleep,
        )
        return self

    async def __aexit__(self, *_):
        self.results.close()
        await self._session.close()

    def _failed(self):
        self.lost += 1

    async def sleep(self, seconds):
        if self.world.passed_s + seconds > self.until_s:
            self.world.wall_s += self.until_s - self.world.passed_s
            self.world.passed_s = self.until_s
            raise TimeoutError
        await self.world.sleep(seconds)

    async def go_on(self, seconds):
        """So long, as the monitor would."""
        self.until_s = self.world.passed_s + seconds
        with pytest.raises(TimeoutError):
            await self.patrol.run()

    def outcomes(self):
        return [(probe.verdict.outcome, probe.verdict.reason) for probe in self.told]


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
