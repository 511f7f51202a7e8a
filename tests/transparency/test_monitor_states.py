"""Every fault through a whole Kilter while the monitor is in trouble: both sides see what they see without Kilter.

One Kilter serves all tests of this file, with two workers and a small ring. Each test puts its monitor
into a state, proves that it is in it, plays the whole table of faults at the same time, and puts it right again.
"""

import asyncio
import contextlib
import os
import resource
import signal

import psutil
import pytest
from faults import BIG, FAULTS, PROMPT, Faulty, play
from relaying import Scripted, Wire, ok, post
from troubled import Troubled


@pytest.fixture(scope="module")
def troubled(tmp_path_factory):
    made = Troubled(tmp_path_factory.mktemp("troubled"), "--workers", "2")
    with made.kilter:
        yield made


async def assert_nobody_can_tell(troubled, upstream):
    """The whole table at the same time, on a direct connection and through Kilter."""
    if not troubled.direct:
        played = await asyncio.gather(*(play(upstream.port, name, upstream) for name in FAULTS))
        troubled.direct = dict(zip(FAULTS, played, strict=True))
    through = await asyncio.gather(*(play(troubled.port, name, upstream) for name in FAULTS))
    different = [name for name, seen in zip(FAULTS, through, strict=True) if seen != troubled.direct[name]]
    assert different == []


@pytest.fixture
async def upstream(troubled):
    async with Faulty(troubled.upstream_port) as made:
        made.port = troubled.upstream_port
        yield made


async def test_nobody_can_tell_that_kilter_is_there_while_the_monitor_works(troubled, upstream):
    before = troubled.kilter.metrics().total("kilter_ring_records_total", outcome="read")
    await assert_nobody_can_tell(troubled, upstream)
    await troubled.load(12)
    after = await troubled.until(lambda seen: seen.total("kilter_ring_records_total", outcome="read") > before + 10)
    assert after.total("kilter_analysis_errors_total") == 0


async def test_nobody_can_tell_while_a_behaviour_raises_at_every_exchange(troubled, upstream):
    before = troubled.kilter.metrics().total("kilter_analysis_errors_total", stage="behaviours")
    troubled.mode("raise")
    await assert_nobody_can_tell(troubled, upstream)
    await troubled.load(12)
    await troubled.until(lambda seen: seen.total("kilter_analysis_errors_total", stage="behaviours") > before + 5)
    troubled.mode("none")
    await troubled.well()


async def test_nobody_can_tell_while_the_monitor_burns_all_the_cpu_it_can_get(troubled, upstream):
    troubled.mode("burn")
    await troubled.load(20)
    monitor = psutil.Process(troubled.monitor())
    before = monitor.cpu_times()
    await assert_nobody_can_tell(troubled, upstream)
    after = monitor.cpu_times()
    troubled.mode("none")
    assert after.user + after.system - before.user - before.system > 0.2
    await troubled.well()


async def test_nobody_can_tell_while_the_monitor_hangs_and_while_its_ring_is_full(troubled, upstream):
    monitor = troubled.monitor()
    os.kill(monitor, signal.SIGSTOP)
    try:
        await troubled.fill()
        await troubled.until(lambda seen: seen.total("kilter_ring_bytes") > 3.6e6)
        await assert_nobody_can_tell(troubled, upstream)
        full = troubled.kilter.metrics()
        assert full.total("kilter_ring_bytes") > 3.6e6
        assert full.total("kilter_inclusion_probability") < 0.1
        assert psutil.Process(monitor).status() == psutil.STATUS_STOPPED
        assert full.total("kilter_monitor_up") == 0
        assert troubled.kilter.get("/healthz")[0] == troubled.kilter.get("/readyz")[0] == 200
    finally:
        os.kill(monitor, signal.SIGCONT)
    await troubled.until(
        lambda seen: seen.total("kilter_monitor_up") == 1 and seen.total("kilter_ring_bytes") < 1_000_000
    )


async def test_nobody_can_tell_while_the_monitor_is_killed_again_and_again(troubled, upstream):
    killed = 0

    async def kills():
        nonlocal killed
        while True:
            for pid in await asyncio.to_thread(troubled.kilter.pids, "sidecar.monitor"):
                os.kill(pid, signal.SIGKILL)
                killed += 1
            await asyncio.sleep(0.2)

    killing = asyncio.ensure_future(kills())
    await assert_nobody_can_tell(troubled, upstream)
    killing.cancel()
    await asyncio.gather(killing, return_exceptions=True)
    assert killed >= 2
    assert (await troubled.well()).total("kilter_process_restarts_total", process="monitor") >= killed


async def test_nobody_can_tell_while_the_state_directory_is_gone_and_a_file_stands_in_its_place(troubled, upstream):
    state = troubled.kilter.state
    away = state.with_name("away")
    state.rename(away)
    state.write_text("not a directory")
    os.kill(troubled.monitor(), signal.SIGTERM)  # and the monitor has to do without from its start
    try:
        await assert_nobody_can_tell(troubled, upstream)
        await troubled.load(5)
    finally:
        state.unlink()
        away.rename(state)
    await troubled.well()


async def test_nobody_can_tell_while_no_file_can_be_written_as_on_a_full_disk(troubled, upstream):
    processes = [*troubled.kilter.pids("sidecar.monitor"), *troubled.kilter.pids("sidecar.gateway")]
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, -1)) for pid in processes}
    try:
        await assert_nobody_can_tell(troubled, upstream)
        await troubled.load(5)
        assert sorted(processes) == sorted(
            [*troubled.kilter.pids("sidecar.monitor"), *troubled.kilter.pids("sidecar.gateway")]
        )
    finally:
        for pid, limits in before.items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
    await troubled.well()


async def test_a_hundred_megabytes_pass_both_ways_without_being_held(troubled):
    size = 100 * len(BIG) // 10
    held_before = [psutil.Process(pid).memory_info().rss for pid in troubled.kilter.pids("sidecar.gateway")]

    async def gives_and_takes(wire):
        head = await wire.head()
        await wire.exactly(size, 60)
        await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(10):
            await wire.write(BIG)
        assert head

    async with Scripted(gives_and_takes, port=troubled.upstream_port):
        client = await Wire.connect(troubled.port)
        await client.write(b"POST /v1/files HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(10):
            await client.write(BIG)
        assert (await client.head(30)).startswith(b"HTTP/1.1 200 ")
        for _ in range(10):
            assert await client.exactly(len(BIG), 60) == BIG
        client.close()
    held = [psutil.Process(pid).memory_info().rss for pid in troubled.kilter.pids("sidecar.gateway")]
    assert max(after - before for after, before in zip(held, held_before, strict=True)) < 20 << 20


async def test_what_no_server_answers_is_a_502_of_ours_and_the_next_request_is_served(troubled):
    client = await Wire.connect(troubled.port)
    await client.write(post(PROMPT))
    head = await client.head()
    assert head.startswith(b"HTTP/1.1 502 ")
    assert b"x-kilter-error: connect\r\n" in head
    await client.body(head)
    async with Faulty(troubled.upstream_port):
        await client.write(post(PROMPT, "X-Fault: content length#load"))
        assert (await client.head()) + await client.exactly(7) == ok(b'{"b":2}', "Content-Type: application/json")
        client.close()
