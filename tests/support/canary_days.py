"""Days of canaries in simulated time against a real server: the real patrol and prober, and a clock that passes only by sleeping."""

import inspect
import random

import aiohttp
import pytest
from aiohttp import web
from chat_server import ChatServer, said

from sidecar.canary.agenda import Agenda
from sidecar.canary.asking import Asker, Endpoint
from sidecar.canary.draws import secret_id
from sidecar.canary.errands import Errands
from sidecar.canary.patrol import Patrol
from sidecar.canary.prober import Prober
from sidecar.canary.results import Results
from sidecar.canary.schedule import DAY_S, Minute
from sidecar.canary.shelf import Shelf
from sidecar.canary.targets.base import targets
from sidecar.canary.variants import Variant
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


class World(ChatServer):
    """A clock that passes only by sleeping, a server, and users who come and go by it."""

    def __init__(self):
        self.passed_s = 0.0
        self.wall_s = START_S
        self.busy_until_s = 0.0
        self.asked_s = []
        self.answers = lambda text: text
        self.status = 200
        self.usage = (20, 5)
        self.model, self.build = "m", ""
        self.reply = lambda body: self.answers(body["messages"][-1]["content"])

    async def sleep(self, seconds):
        self.passed_s += seconds
        self.wall_s += seconds

    async def busy(self):
        return self.passed_s < self.busy_until_s

    async def chat(self, _, body):
        self.asked_s.append(self.passed_s)
        if self.status != 200:
            return web.Response(status=self.status)
        text = self.reply(body)
        named = {"model": self.model, **({"system_fingerprint": self.build} if self.build else {})}
        return said(await text if inspect.isawaitable(text) else text, usage=self.usage, **named)


class Heard:
    """What errands tell of."""

    def __init__(self):
        self.changes, self.signs, self.comparisons, self.causes = [], [], [], []

    def changed(self, change):
        self.changes.append(change)

    def confirmed(self, change):
        self.signs.append(change)

    def compared(self, changeover):
        self.comparisons.append(changeover)

    def explained(self, alarm, said):
        self.causes.append((alarm, said))


class Asking:
    """A patrol of ``world`` whose results lie in ``folder``. ``errands``: with those, of suites ``only``."""

    def __init__(
        self,
        world,
        folder,
        *,
        mean_s=300.0,
        budget=10**6,
        minute=10**5,
        seed=5,
        mix=dict,
        errands=False,
        only=("mine",),
    ):
        self.world, self.folder, self.mean_s = world, folder, mean_s
        self.budget, self.minute, self.seed, self.mix = budget, minute, seed, mix
        self.told, self.lost = [], 0
        self.with_errands, self.only, self.heard = errands, only, Heard()

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
        shelf = Shelf(self.folder / "suites", self.only)
        shelf.look()
        self.errands, current = None, None
        if self.with_errands:
            self.errands = Errands(
                shelf.suites,
                lambda: self.window,
                self.results,
                SECRET,
                self.heard,
                lambda: world.wall_s,
                lambda: ("m",),
            )
            self.errands.recall()

            def current(probe):
                return self.errands.variants.current(Variant(probe.model, probe.fingerprint, probe.generation))

        self.window = Window(7 * DAY_S, (), current)
        self.patrol = Patrol(
            shelf,
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
            errands=self.errands,
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
