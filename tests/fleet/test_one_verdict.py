"""Eight replicas on a real Redis say what one process says that is fed everything, tick for tick, whatever happens between.

Requests of a conversation go to replicas at random (seed 5), and so do those of a user. A tick is a minute.
"""

import asyncio
import random

import pytest
from redis_server import Line

from tests.fleet.conftest import LEASE_S, PROMOTED, FleetInOneProcess, state, traffic

pytestmark = pytest.mark.timeout(110)
HOURS = 6


class Story:
    """Traffic tick by tick; ``at`` maps a tick to what happens then."""

    def __init__(self, fleet, hours=HOURS, at=None):
        self.fleet, self.hours, self.at = fleet, hours, at or {}
        self.rng = random.Random(5)
        self.everything = []

    async def play(self):
        fleet = self.fleet
        exchanges, place = traffic(2, self.hours), 0
        for tick in range(self.hours * 60 + 1):
            fleet.now = PROMOTED + 60.0 * (tick + 1)
            while place < len(exchanges) and exchanges[place][0].at_s < fleet.now:
                number = self.rng.randrange(len(fleet.members))
                self.everything.append(fleet.observe(number, *exchanges[place]))
                place += 1
            fleet.close()
            if tick in self.at:
                await self.at[tick]()
            for member in fleet.members:
                await member.beat()
            for monitor in list(fleet.monitors):
                while await monitor.cycle():
                    pass
            await asyncio.sleep(LEASE_S / 20)  # a tick is shorter than a lease
        fleet.now += 120
        fleet.close()
        for member in fleet.members:
            await member.beat()
        leader = next(one for one in fleet.monitors if one.leading)
        until = int((fleet.now - 5) // 60)
        async with asyncio.timeout(10):
            while leader.judging.analysis.ticks.next < until:
                await asyncio.sleep(LEASE_S / 4)
                await leader.cycle()
        fleet.judge_alone(self.everything, int((fleet.now - 5) // 60) * 60)
        return leader


def once(told):
    """What a monitor told before it could note so is told again by the next, word for word."""
    found = []
    for verdict in (one.to_dict() for one in told):
        if verdict not in found:
            found.append(verdict)
    return found


async def the_same(fleet, leader):
    assert any(verdict.state == "out_of_control" for verdict in fleet.alone)
    assert once(fleet.told) == [verdict.to_dict() for verdict in fleet.alone]
    assert state(leader.judging.analysis) == state(fleet.one)
    counted = sum(leader.status().parts[name] for name in ("late", "foreign", "unreadable", "invalid"))
    assert counted == 0


@pytest.fixture
async def fleet(redis, tmp_path, baseline):
    made = FleetInOneProcess(redis, tmp_path, baseline, skew_s=(0.0, 5.0, -5.0, 2.5, -0.25))
    await made.lead(made.monitor())
    yield made
    await made.end()


async def test_whatever_happens(fleet, redis):
    """All of what follows below, in one story: the quick slice of it."""
    first = fleet.monitors[0]

    async def kill_monitor():
        fleet.monitor(name="standby")
        fleet.monitors.remove(first)
        await first._connection.close()
        await asyncio.sleep(1.5 * LEASE_S)

    async def kill_redis():
        redis.kill()
        await fleet.members[0].beat()
        assert "cannot be reached" in fleet.members[0].status().why
        redis.start()

    async def replay():
        fleet.members[3]._held.tell_again()
        assert len(fleet.members[3]._held) >= 10

    async def restart_replica():
        await fleet.members[2].end()
        fleet.members[2] = fleet.member(2, fleet.redis.url)

    async with Line(redis.port) as line:
        fleet.members[1]._connection = fleet.connection(line.url)

        async def cut():
            line.break_off()

        async def mend():
            line.cut = False

        happens = {30: restart_replica, 40: kill_monitor, 60: replay, 80: kill_redis, 100: cut, 102: mend, 130: replay}
        leader = await Story(fleet, hours=3, at=happens).play()
        assert leader is not first
        await the_same(fleet, leader)
        await fleet.members[1]._connection.close()


async def test_strata_too_busy_to_count_whole_are_thinned_to_what_one_process_would_keep(redis, tmp_path, baseline):
    fleet = FleetInOneProcess(redis, tmp_path, baseline, skew_s=(0.0, 5.0, -5.0), most=3)
    await fleet.lead(fleet.monitor())
    leader = await Story(fleet, hours=3).play()
    assert leader.status().thinned > 500
    await the_same(fleet, leader)
    await fleet.end()


@pytest.mark.slow
async def test_with_clocks_five_seconds_off_either_way(fleet):
    await the_same(fleet, await Story(fleet).play())


@pytest.mark.slow
async def test_though_the_monitor_is_killed_and_a_standby_goes_on(fleet):
    first = fleet.monitors[0]
    fleet.monitor(name="standby")

    async def kill():
        fleet.monitors.remove(first)
        await first._connection.close()
        await asyncio.sleep(1.5 * LEASE_S)

    leader = await Story(fleet, at={100: kill}).play()
    assert leader is not first
    await the_same(fleet, leader)


@pytest.mark.slow
async def test_though_redis_is_killed_and_comes_back_empty(fleet, redis):
    async def kill():
        redis.kill()
        await fleet.members[0].beat()
        assert "cannot be reached" in fleet.members[0].status().why
        await fleet.monitors[0].cycle()
        assert not fleet.monitors[0].status().store_up
        redis.start()

    await the_same(fleet, await Story(fleet, at={100: kill, 101: kill, 200: kill}).play())


@pytest.mark.slow
async def test_though_redis_comes_back_with_what_it_was_a_while_ago_and_another_monitor_takes_over(fleet, redis):
    async def snapshot():
        redis.command("SAVE")

    async def restart():
        redis.kill()
        fleet.monitor(name="standby")
        fleet.monitors.reverse()  # the standby is the first to ask for the lease
        redis.start()
        await asyncio.sleep(1.5 * LEASE_S)

    await the_same(fleet, await Story(fleet, at={150: snapshot, 156: restart}).play())


@pytest.mark.slow
async def test_though_half_of_the_replicas_are_cut_off_for_two_ticks(fleet, redis):
    async with Line(redis.port) as line:
        for member in fleet.members[:4]:
            member._connection = fleet.connection(line.url)

        async def cut():
            line.break_off()

        async def mend():
            assert not fleet.members[0].status().store_up
            line.cut = False

        leader = await Story(fleet, at={120: cut, 122: mend}).play()
        await the_same(fleet, leader)
        for member in fleet.members[:4]:
            await member._connection.close()


@pytest.mark.slow
async def test_though_a_replica_tells_its_last_ten_ticks_again_and_another_process_speaks_in_its_name(fleet):
    async def again():
        fleet.members[3]._held.tell_again()
        double = fleet.member(3, fleet.redis.url)
        double.incarnation = fleet.members[3].incarnation
        double._held, double._until = fleet.members[3]._held, fleet.members[3]._until
        assert len(double._held) >= 10
        await double.beat()
        fleet.members[3]._held.tell_again()
        await double._connection.close()

    await the_same(fleet, await Story(fleet, at=dict.fromkeys(range(50, 300, 7), again)).play())


@pytest.mark.slow
async def test_though_a_replica_ends_and_begins_anew_within_a_tick(fleet):
    async def restart():
        await fleet.members[2].end()
        fleet.members[2] = fleet.member(2, fleet.redis.url)
        fleet.members[2].close(fleet.now - 5, fleet.now - 65, ["x"])

    await the_same(fleet, await Story(fleet, at={60: restart, 61: restart, 180: restart}).play())


@pytest.mark.slow
async def test_what_could_not_be_told_before_the_end_is_told_by_the_next_process(fleet, redis):
    async def restart():
        redis.kill()
        await fleet.members[2].end()
        fleet.members[2] = fleet.member(2, fleet.redis.url)
        assert len(fleet.members[2]._held) > 0
        redis.start()

    await the_same(fleet, await Story(fleet, at={60: restart}).play())
