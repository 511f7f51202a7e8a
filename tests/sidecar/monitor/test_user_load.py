"""Canaries wait while users are in flight, while their first tokens come late, and while Kilter is paused."""

import pytest

from sidecar.admin.status import DataPlaneView
from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.monitor.user_load import UserLoad

SCHEMA = schema(["openai.chat", "ollama"])


class Worker:
    def __init__(self):
        self.counters = Counters(SCHEMA, memoryview(bytearray(size_bytes(SCHEMA))).cast("d"))

    def inflight(self, count):
        self.counters.set(self.counters.cell("kilter_inflight_requests"), count)

    def first_chunks(self, seconds, count, protocol="openai.chat"):
        for _ in range(count):
            self.counters.observe(self.counters.cell("kilter_time_to_first_chunk_seconds", protocol), seconds)


@pytest.fixture
def workers():
    return Worker(), Worker()


@pytest.fixture
def clock():
    return [0.0]


def load(workers, clock, first_chunk_s=0.0, **more):
    view = DataPlaneView([worker.counters for worker in workers])
    return UserLoad(view, 4, first_chunk_s, lambda: clock[0], **more)


async def test_users_in_flight_count_over_all_workers(workers, clock):
    users = load(workers, clock)
    for worker in workers:
        worker.inflight(2)
    assert not await users.busy()
    workers[1].inflight(3)
    assert await users.busy()


async def test_late_first_chunks_of_the_last_half_minute_are_busy_and_older_ones_are_not(workers, clock):
    users = load(workers, clock, first_chunk_s=1.0)
    workers[0].first_chunks(9.0, 50)  # before the first look
    assert not await users.busy()
    workers[0].first_chunks(0.2, 90)
    workers[1].first_chunks(2.0, 10, "ollama")
    clock[0] = 20.0
    assert await users.busy()
    for _ in range(40):
        clock[0] += 1.0
        await users.busy()
    assert not await users.busy()  # nothing was late since


async def test_a_few_late_ones_are_not_busy(workers, clock):
    users = load(workers, clock, first_chunk_s=1.0)
    await users.busy()
    workers[0].first_chunks(0.2, 97)
    workers[0].first_chunks(9.0, 3)
    assert not await users.busy()


async def test_a_paused_kilter_asks_nothing(workers, clock):
    paused = [True]
    users = load(workers, clock, paused=lambda: paused[0])
    assert await users.busy()
    paused[0] = False
    assert not await users.busy()
