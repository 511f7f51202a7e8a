"""A fleet in one process, on a real Redis: replicas, monitors, and one analysis that is fed everything."""

import asyncio
import dataclasses
import json

import pytest
from redis_server import RunningRedis
from simulated import conversations

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.observation import Observation
from detectors.watch.analysis import Analysis
from detectors.watch.parts import Parts
from detectors.watch.units import Units
from sidecar.config import Config
from sidecar.config_fleet import Fleet
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.connection import Connection
from sidecar.fleet.coordinator import Coordinator
from sidecar.fleet.member import Member
from sidecar.monitor.judging import Judging, rules

DAY = 86400
START = 19_000 * DAY
PROMOTED = START + 2 * DAY
KEY = b"k" * 32
LEASE_S = 0.2
SETTINGS = {
    "upstream": "http://u",
    "ticks": {"length_s": 60, "grace_s": 600},
    "verdicts": {"floor": 0.05, "floor_relative": 0.6},
    "baseline": {"learn_days": 2, "learn_trials": 1000},
}
CONTEXT = {behaviour.name for behaviour in behaviours() if behaviour.context}
DIGEST = classifier_digest()


def usual(language, turn, at_s):
    return 0.08


@pytest.fixture(scope="session")
def baseline():
    """Two days of 300 users, four languages, refusals of 8 %. Seed 1."""
    wanted = dataclasses.replace(rules(Config.model_validate(SETTINGS)), tick_s=600.0)
    learning = Analysis(behaviours(), wanted, DIGEST)
    for sighting, seen in conversations(1, START, PROMOTED, 0.045, usual):
        learning.observe(sighting, seen)
    learning.close(PROMOTED, PROMOTED)
    return learning.promote(PROMOTED)


@pytest.fixture
def redis(tmp_path):
    with RunningRedis(tmp_path / "redis") as running:
        yield running


class FleetInOneProcess:
    """``told`` are the verdicts of all monitors, in the order in which they were told, and ``one`` is fed everything itself.
    ``more``: ``most`` trials of a stratum that count in a tick.
    """

    def __init__(self, redis, directory, baseline, replicas=8, skew_s=(0.0,), **more):
        self.redis, self.directory, self.baseline = redis, directory, baseline
        self.config = Config.model_validate(SETTINGS)
        self.rules = rules(self.config)
        self.agreement = Agreement.of(KEY, "kilter", self.rules)
        self.now = float(PROMOTED)
        self.told, self.alone = [], []
        self.skews = [skew_s[number % len(skew_s)] for number in range(replicas)]
        self.more = more
        self.members = [self.member(number, redis.url) for number in range(replicas)]
        self.monitors = []
        self.one = Analysis(behaviours(), self.rules, DIGEST)
        self.one.use(baseline)

    def connection(self, url, **settings):
        return Connection(url, Fleet(timeout_s=1.0, **settings))

    def member(self, number, url, name=None):
        skew = self.skews[number % len(self.skews)]
        return Member(
            self.connection(url),
            "kilter",
            self.agreement,
            name or f"replica-{number}",
            lambda: Parts(Units(behaviours()), self.rules, CONTEXT, **self.more),
            lambda: self.now + skew,
            asyncio.get_running_loop().time,
            baseline_id=lambda: self.baseline.id,
            take_baseline=lambda _: None,
            directory=self.directory / f"replica-{number}",
        )

    def monitor(self, url=None, name="monitor"):
        state = self.directory / f"{name}-{len(self.monitors)}"
        config = Config.model_validate({**SETTINGS, "state": str(state)})
        made = Coordinator(
            self.connection(url or self.redis.url),
            "kilter",
            self.agreement,
            name,
            lambda store, _: Judging(config, behaviours(), self.now, store=store),
            self.rules,
            LEASE_S,
            **self.more,
            tell=self.told.append,
            tick_time=lambda _: self.now + 10,
        )
        self.monitors.append(made)
        return made

    async def lead(self, monitor, limit_s=10.0):
        """Until it leads; the first one then takes the baseline, as a person would have it."""
        async with asyncio.timeout(limit_s):
            while not monitor.leading:
                await monitor.cycle()
                await asyncio.sleep(0.02)
        if monitor.judging.analysis.baseline is None:
            monitor.judging.succession.use(self.baseline)
            monitor.judging._kept.store.keep_baseline(self.baseline)
            monitor.commanded()
            await monitor.cycle()

    def observe(self, number, sighting, seen):
        """By the replica's own clock, and by the one."""
        at_s = sighting.at_s + self.skews[number]
        sighting = dataclasses.replace(sighting, at_s=at_s, response_id="", trace_id="")
        seen = [dataclasses.replace(one, at_s=at_s) for one in seen]
        self.members[number].observe(DIGEST, sighting, seen, [])
        return sighting, seen

    def close(self):
        """All that began until now has ended."""
        for number, member in enumerate(self.members):
            member.close(self.now + self.skews[number], self.now + self.skews[number], [DIGEST])

    def judge_alone(self, everything, until_s):
        """The one process: everything in the order of the times at which it began; where strata are thinned, as one part."""
        closed = PROMOTED // 60
        whole = Parts(Units(behaviours()), self.rules, CONTEXT, **self.more) if self.more else None
        for sighting, seen in sorted(everything, key=lambda one: (one[0].at_s, one[0].conversation, one[0].turn)):
            tick = int(sighting.at_s // 60)
            if tick > closed:
                if whole:
                    self.one.take(whole.close(tick * 60, tick * 60)[0], **self.more)
                self.alone += self.one.close(tick * 60, tick * 60)
                closed = tick
            (whole or self.one).observe(sighting, seen)
        if whole:
            self.one.take(whole.close(until_s, until_s)[0], **self.more)
        self.alone += self.one.close(until_s, until_s)

    async def end(self):
        for each in [*self.members, *self.monitors]:
            await each._connection.close()


def state(analysis):
    """What further verdicts rest on; that of which the order means nothing sorted."""
    saved = json.loads(analysis.to_json())
    del saved["units"]["left_out"]
    for part in filter(None, (saved["learning"], saved["totals"])):
        for name in {"trials", "events", "users"} & set(part):
            part[name] = sorted(part[name], key=json.dumps)
    return saved


def traffic(seed, hours, *, users=60, per_s=0.09):
    """Refusals of Turkish rise after a quarter."""
    begins = PROMOTED + hours * 900

    def drift(language, turn, at_s):
        return 0.6 if language == "tr" and at_s >= begins else 0.08

    found = conversations(seed, PROMOTED + 10, PROMOTED + hours * 3600, per_s, drift, users=users)
    return [(sighting, [Observation(o.feature, o.stratum, o.value, o.conversation, o.user, o.at_s) for o in seen]) for sighting, seen in found]  # fmt: skip
