"""What a fleet costs its store and its monitor: `python tests/bench/fleet.py [--replicas 50] [--strata 40] [--trials 100]`.

A real Redis, so many replicas in one process that each tell a part of a tick a second, and one monitor. Each part holds
``--trials`` exchanges over ``--strata`` strata, eight of which count in an exchange. Printed: processor time of the Redis a
part, bytes a part, the store's memory with and without a monitor that counts, the time from the last part to the verdicts,
and what that makes for 1,000 replicas with ticks of a minute.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from redis_server import RunningRedis

from detectors.catalog import behaviours
from detectors.features.calibration import classifier_digest
from detectors.records.observation import Observation
from detectors.records.sighting import Sighting
from detectors.watch.parts import Parts
from detectors.watch.units import Units
from sidecar.config import Config
from sidecar.config_fleet import Fleet
from sidecar.fleet.agreement import Agreement
from sidecar.fleet.connection import Connection
from sidecar.fleet.coordinator import Coordinator
from sidecar.fleet.member import Member
from sidecar.fleet.part_codec import packed
from sidecar.monitor.judging import Judging, rules

DIGEST = classifier_digest()
SHOWN = 8
START = 1_700_000_000 // 60 * 60
BEATS_A_TICK = 12
"""Of a replica with ticks of a minute: one in five seconds."""


@dataclass
class Measured:
    cpu_s: float = 0.0
    close_s: float = 0.0
    longest_s: float = 0.0
    """Of processor, that anybody else waited for the event loop while a tick was summed."""

    async def watch_the_loop(self):
        while True:
            began = time.process_time()
            await asyncio.sleep(0)
            self.longest_s = max(self.longest_s, time.process_time() - began)


def part_of(parts, rng, tick, strata, trials):
    for _ in range(trials):
        conversation, user = f"{rng.getrandbits(64):016x}", f"{rng.getrandbits(64):016x}"
        at_s = START + 60 * tick + 60 * rng.random()
        seen = [
            Observation("refusal_by_language", f"s{stratum}", float(rng.random() < 0.08), conversation, user, at_s)
            for stratum in rng.sample(range(strata), min(SHOWN, strata))
        ]
        parts.observe(Sighting(conversation, "m", at_s, 1, user), seen)


async def bench(replicas, strata, trials, ticks, directory):
    config = Config.model_validate({"upstream": "http://u", "state": str(directory / "state")})
    wanted, rng = rules(config), random.Random(1)
    agreement = Agreement.of(b"k" * 32, "kilter", wanted)
    now = START
    with RunningRedis(directory / "redis") as redis:
        members = [
            Member(
                Connection(redis.url, Fleet()),
                "kilter",
                agreement,
                f"replica-{number}",
                lambda: Parts(Units(behaviours()), wanted),
                lambda: now,
                time.monotonic,
                baseline_id=lambda: "",
                take_baseline=lambda _: None,
            )
            for number in range(replicas)
        ]
        monitor = Coordinator(
            Connection(redis.url, Fleet()),
            "kilter",
            agreement,
            "monitor",
            lambda store, _: Judging(config, behaviours(), now, store=store),
            wanted,
            60.0,
            tick_time=lambda _: now + 1,
        )
        await monitor.cycle()
        monitor._empty_since_s = 1.0  # nobody else has a state that it would have to wait for
        await monitor.cycle()
        monitor._settled_s = 0.0
        server, measured = psutil.Process(redis.process.pid), Measured()
        usual_bytes = memory(redis)
        whole = Parts(Units(behaviours()), wanted)
        part_of(whole, rng, 0, strata, trials)
        part_bytes = len(packed(whole.end()[0]))
        most = usual_bytes
        for tick in range(ticks):
            for member in members:
                part_of(member._of(DIGEST), rng, tick, strata, trials)
            now = START + 60 * (tick + 1)
            before = cpu_of(server)
            for member in members:
                member.close(now, now, [DIGEST])
                for _ in range(BEATS_A_TICK):
                    await member.beat()
            most = max(most, memory(redis))
            began, ours = time.perf_counter(), time.process_time()
            watching = asyncio.ensure_future(measured.watch_the_loop())
            await monitor.cycle()
            watching.cancel()
            measured.close_s += time.perf_counter() - began
            monitor_s = time.process_time() - ours
            measured.cpu_s += cpu_of(server) - before
        for tick in range(ticks, ticks + 3):  # and without a monitor
            for member in members:
                part_of(member._of(DIGEST), rng, tick, strata, trials)
            now = START + 60 * (tick + 1)
            for member in members:
                member.close(now, now, [DIGEST])
                await member.beat()
        waiting = [key for key in redis.command("KEYS", "*").decode().split() if ":parts:" in key]
        held = sum(int(redis.command("MEMORY", "USAGE", key, "SAMPLES", "0")) for key in waiting)
        counted = monitor.status().parts
        for each in [*members, monitor]:
            await each._connection.close()
    parts = replicas * ticks
    cpu_ms = 1000 * measured.cpu_s / parts
    kilobytes = held / len(waiting) / replicas / 1024
    print(f"{replicas} replicas, {strata} strata, {trials} exchanges a part, {ticks} ticks on {os.cpu_count()} cores")
    print(
        f"parts counted: {sum(counted.values())} of {parts} ({counted['foreign']} of another classifier: not judged here)"
    )
    print(f"a part: {part_bytes / 1024:.1f} KiB told, {kilobytes:.1f} KiB held in the store until it is counted")
    print(f"Redis: {cpu_ms:.2f} ms of processor a part and its {BEATS_A_TICK} beats, {100 * measured.cpu_s / ticks / 60:.2f} % of a core at ticks of a minute")  # fmt: skip
    print(f"Redis, most memory while counted: {(most - usual_bytes) / 2**20:.1f} MiB above an empty one; without a monitor {kilobytes * replicas / 1024:.2f} MiB more a tick")  # fmt: skip
    print(f"monitor: {measured.close_s / ticks:.3f} s from the last part to the saved verdicts (last tick: {monitor_s:.3f} s of processor), others waited for the loop {measured.longest_s:.3f} s of it at most")  # fmt: skip
    print("1,000 replicas, ticks of a minute, by proportion:")
    print(f"  Redis {1000 * cpu_ms / 60_000 * 100:.1f} % of a core, {1000 * part_bytes / 60 / 1024:.0f} KiB/s, {1000 * kilobytes / 1024:.0f} MiB a tick that waits; monitor {1000 / replicas * measured.close_s / ticks:.1f} s a tick")  # fmt: skip


def cpu_of(process):
    times = process.cpu_times()
    return times.user + times.system


def memory(redis):
    return int(next(line for line in redis.command("INFO", "memory").split() if line.startswith(b"used_memory:"))[12:])


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--replicas", type=int, default=50)
    asked.add_argument("--strata", type=int, default=40)
    asked.add_argument("--trials", type=int, default=100)
    asked.add_argument("--ticks", type=int, default=20)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(bench(given.replicas, given.strata, given.trials, given.ticks, Path(folder)))
