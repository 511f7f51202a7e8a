"""Who leads, what a monitor counts and what it leaves out, on a real Redis."""

import asyncio
import zlib

import pytest

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Part, Told
from sidecar.admin.api import RefusedError
from sidecar.config import Config
from sidecar.config_fleet import Fleet
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.connection import Connection
from sidecar.fleet.coordinator import Coordinator
from sidecar.fleet.layout import TELL, Keys
from sidecar.fleet.part_codec import packed
from sidecar.monitor.judging import Judging, rules

KEYS = Keys("kilter")
LEASE_S = 0.2
NOW = 1_700_000_000 // 60 * 60


class House:
    def __init__(self, redis, directory):
        self.redis, self.made = redis, []
        self.config = Config.model_validate({"upstream": "http://u", "state": str(directory / "state")})
        self.rules = rules(self.config)
        self.agreement = Agreement.of(b"k" * 32, "kilter", self.rules)
        self.now = NOW

    def monitor(self, name, lease_s=LEASE_S):
        found = Coordinator(
            Connection(self.redis.url, Fleet(timeout_s=1)),
            "kilter",
            self.agreement,
            name,
            lambda store, _: Judging(self.config, behaviours(), NOW, store=store),
            self.rules,
            lease_s,
            tick_time=lambda _: self.now,
        )
        self.made.append(found)
        return found

    async def tell(self, tick, data, *, until, who="me", classifier=None):
        connection = Connection(self.redis.url, Fleet())
        names = [KEYS.about, KEYS.members, KEYS.ticks, KEYS.state, KEYS.lease, KEYS.lost]
        about = f'{{"replica": "{who}", "version": "", "until": {until}, "after": "", "now_s": 0, "inflight": 3}}'
        field = f"{who} {classifier or classifier_digest()}"
        arguments = [*self.agreement.arguments(), who, about, "60", "", tick, field, data]
        await connection.run(TELL, [*names, KEYS.parts(tick), KEYS.counted(tick)], *arguments)
        await connection.close()


@pytest.fixture
async def house(redis, tmp_path):
    made = House(redis, tmp_path)
    yield made
    for each in made.made:
        await each._connection.close()


async def leads(monitor):
    async with asyncio.timeout(10):
        while not monitor.leading or monitor._now_s < monitor._settled_s:
            await monitor.cycle()
            await asyncio.sleep(LEASE_S / 5)


def part(tick, at_s, conversation="ab"):
    seen = Observation("refusal_by_length", "1", 1.0, conversation, None, at_s)
    return packed(Part(tick, (Told(Sighting(conversation, "m", at_s, 1), (seen,), ()),)))


async def test_one_leads_the_other_stands_by_refuses_commands_and_goes_on_when_the_first_is_gone(house):
    first, second = house.monitor("first"), house.monitor("second")
    await leads(first)
    await second.cycle()
    assert (first.status().role, second.status().role) == ("leading", "standby")
    assert second.status().leader == "first"
    with pytest.raises(RefusedError, match="first judges the fleet"):
        second.judging.learn(NOW)
    await first.end()
    await leads(second)
    await first.cycle()
    assert not first.leading


async def test_what_a_person_commands_goes_from_monitor_to_monitor(house):
    first, second = house.monitor("first"), house.monitor("second")
    await leads(first)
    first.judging.annotate("a word of ours", NOW)
    first.commanded()
    await first.cycle()
    await first.end()
    await leads(second)
    assert [one.text for one in second._store.annotations(9)] == ["a word of ours"]


async def test_a_command_that_was_given_while_the_lease_was_lost_is_not_kept_in_the_place_of_later_ones(house):
    first, second = house.monitor("first"), house.monitor("second")
    await leads(first)
    await asyncio.sleep(1.5 * LEASE_S)
    await leads(second)
    second.judging.annotate("later", NOW)
    second.commanded()
    await second.cycle()
    first.judging.annotate("of a monitor that no longer leads", NOW)
    first.commanded()
    await first.cycle()
    await second.cycle()
    assert second.leading
    assert [one.text for one in second._store.annotations(9)] == ["later"]


async def test_a_tick_is_counted_when_the_slowest_replica_has_told_it_and_not_before_it_has_ended(house):
    monitor, tick = house.monitor("m"), NOW // 60
    await leads(monitor)
    house.now = NOW + 59
    await house.tell(tick, part(tick, NOW + 1), until=tick + 5)
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 0  # a clock that is ahead
    house.now = NOW + 200
    await house.tell(tick, part(tick, NOW + 2, "cd"), until=tick, who="slow")
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 0
    await house.tell(tick + 1, part(tick + 1, NOW + 61), until=tick + 1, who="slow")
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 2
    assert monitor.inflight == 6


async def test_what_is_no_part_is_left_out_and_counted(house):
    monitor, tick = house.monitor("m"), NOW // 60
    await leads(monitor)
    house.now = NOW + 200
    bombs = [
        b"",
        b"planted",
        zlib.compress(b"[]"),
        part(tick + 1, NOW + 61),
        part(tick, NOW + 61),
        part(tick, 1e300),
    ]
    for number, data in enumerate(bombs):
        await house.tell(tick, data, until=tick + 2, who=f"replica-{number}")
    await house.tell(tick, part(tick, NOW + 1), until=tick + 2, who="good")
    await house.tell(tick, part(tick, NOW + 1), until=tick + 2, who="other", classifier="of another release")
    await monitor.cycle()
    parts = monitor.status().parts
    assert (parts["unreadable"], parts["foreign"], parts["counted"]) == (len(bombs), 1, 2)
    (verdict,) = [one for one in monitor.judging.verdicts() if one.behaviour == "refusal_by_length"]
    assert verdict.n_current == 1


async def test_a_state_that_is_none_is_refused_and_left_as_it_is(house):
    house.redis.command("HSET", KEYS.state, "generation", "1", "next", "5", "state", "planted")
    before, monitor = house.redis.command("HGETALL", KEYS.state), house.monitor("m")
    await monitor.cycle()
    assert not monitor.leading
    assert "cannot be read" in monitor.status().why
    assert house.redis.command("HGETALL", KEYS.state) == before


async def test_members_that_are_none_hold_nobody_up(house):
    monitor, tick = house.monitor("m"), NOW // 60
    await leads(monitor)
    house.now = NOW + 200
    for value in ("", "planted", "1 {}", '9 {"replica": "x", "version": "", "until": 1e999}'):
        house.redis.command("HSET", KEYS.members, f"odd {value}", value)
    await house.tell(tick, part(tick, NOW + 1), until=tick + 2)
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 1
    assert [one.name for one in monitor.status().replicas] == ["me"]


async def test_after_a_store_has_lost_everything_nothing_is_counted_before_every_replica_could_tell_again(house):
    monitor, tick = house.monitor("m"), NOW // 60
    await leads(monitor)
    house.now = NOW + 300
    for who in ("a", "b"):
        await house.tell(tick, part(tick, NOW + 1, f"{who}1"), until=tick + 1, who=who)
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 2
    house.redis.command("FLUSHALL")
    await house.tell(tick + 1, part(tick + 1, NOW + 61, "a2"), until=tick + 2, who="a")
    await monitor.cycle()
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 2
    await house.tell(tick + 1, part(tick + 1, NOW + 61, "b2"), until=tick + 2, who="b")
    await asyncio.sleep(1.2 * LEASE_S)
    await monitor.cycle()
    assert monitor.status().parts["counted"] == 4
    assert monitor.status().parts["late"] == 0


async def test_what_a_store_brings_back_of_a_counted_tick_is_counted_neither_again_nor_as_late(house):
    monitor, tick = house.monitor("m"), NOW // 60
    await leads(monitor)
    house.now = NOW + 300
    await house.tell(tick, part(tick, NOW + 1), until=tick + 2)
    await monitor.cycle()
    house.redis.command("FLUSHALL")
    await house.tell(tick, part(tick, NOW + 1), until=tick + 2)  # taken: the store knows of nothing
    await asyncio.sleep(1.2 * LEASE_S)
    for _ in range(3):
        await monitor.cycle()
        await asyncio.sleep(1.2 * LEASE_S)
    await house.tell(tick, part(tick, NOW + 1), until=tick + 2)
    await monitor.cycle()
    assert (monitor.status().parts["counted"], monitor.status().parts["late"]) == (1, 0)
    assert house.redis.command("EXISTS", KEYS.parts(tick)).strip() == b"0"


async def test_a_monitor_that_was_stopped_in_the_middle_overwrites_nothing_that_another_saved_meanwhile(house):
    first, second = house.monitor("first"), house.monitor("second")
    await leads(first)
    cycle = await first._begin()
    await asyncio.sleep(1.5 * LEASE_S)
    await leads(second)
    second.judging.annotate("later", NOW)
    second.commanded()
    await second.cycle()
    await second.end()  # nobody holds the lease, so that alone would not stop the first
    assert not await first._save(cycle)
    assert not first.leading
    await leads(first)
    assert [one.text for one in first._store.annotations(9)] == ["later"]


def large(tick, number, exchanges):
    told = []
    for at in range(exchanges):
        conversation, at_s = f"{number:04x}{at:06x}", 60 * tick + at / exchanges
        seen = [
            Observation("refusal_by_language", f"s{stratum}", 0.0, conversation, conversation, at_s)
            for stratum in range(8)
        ]
        told.append(Told(Sighting(conversation, "m", at_s, 1, conversation), tuple(seen), ()))
    return packed(Part(tick, tuple(told)))


async def test_while_a_large_tick_is_summed_others_have_the_loop_and_the_lease_is_kept(house):
    """50,000 exchanges: some three seconds of processor time. The lease is shorter, and far longer than a breath."""
    lease_s, replicas = 0.9, 50
    monitor, standby, tick = house.monitor("m", lease_s), house.monitor("standby", lease_s), NOW // 60
    await leads(monitor)
    house.now = NOW + 200
    for number in range(replicas):
        await house.tell(tick, large(tick, number, 1000), until=tick + 2, who=f"replica-{number}")
    longest_s, leaders, summed = 0.0, set(), False

    async def others():
        nonlocal longest_s
        loop = asyncio.get_running_loop()
        while not summed:
            began_s = loop.time()
            await asyncio.sleep(0)
            longest_s = max(longest_s, loop.time() - began_s)
            if loop.time() % lease_s < lease_s / 4:
                await standby.cycle()
                leaders.add(standby._holder)

    task = asyncio.get_running_loop().create_task(others())
    began_s = asyncio.get_running_loop().time()
    while await monitor.cycle():
        pass
    took_s = asyncio.get_running_loop().time() - began_s
    summed = True
    await task
    print(f"summed in {took_s:.2f} s, in breaths of at most {longest_s:.3f} s")
    assert monitor.status().parts["counted"] == replicas
    assert monitor.leading
    assert took_s > 1.5 * lease_s
    assert longest_s < took_s / 3
    assert leaders == {monitor._token}
