"""What Kilter costs: ``python tests/bench/cost.py``.

Sends requests to a scripted server directly and through Kilter, alternated, and prints the added
latency (median of the differences of neighbours), CPU a request by process, and resident memory.
Numbers of a shared machine are noisy: read the medians, and compare within one run only.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1] / "support")  # not this folder: it holds no modules to import

import psutil
from load import ask, chat
from running import RunningKilter

from sidecar.demo.upstream import ScriptedUpstream

PROMPT = "Could you explain how a bicycle stays upright while it is moving along the road?"


def cpu_s(pids):
    return {name: sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in group) for name, group in pids.items()}


async def measure(requests, *, stream):
    async with ScriptedUpstream() as upstream:
        with tempfile.TemporaryDirectory() as directory, RunningKilter(upstream.url, directory) as kilter:
            pids = {"worker": kilter.pids("sidecar.gateway"), "monitor": kilter.pids("sidecar.monitor")}
            extra_first, extra_whole = [], []
            for _ in range(50):
                await ask(kilter.url, *chat(PROMPT, stream=stream))
            before = cpu_s(pids)
            for _ in range(requests):
                direct = await ask(upstream.url, *chat(PROMPT, stream=stream))
                through = await ask(kilter.url, *chat(PROMPT, stream=stream))
                extra_first.append(through.first_s - direct.first_s)
                extra_whole.append(through.done_s - direct.done_s)
            await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_responses_total") >= requests + 50)
            after = cpu_s(pids)
            memory = kilter.metrics().by("kilter_process_resident_memory_bytes", "process")
    return {
        "added to the first byte, median": f"{1e3 * statistics.median(extra_first):.2f} ms",
        "added to the whole, median": f"{1e3 * statistics.median(extra_whole):.2f} ms",
        **{f"CPU a request, {name}": f"{1e6 * (after[name] - before[name]) / requests:.0f} µs" for name in pids},
        **{f"resident memory, {name}": f"{size / 2**20:.0f} MiB" for name, size in memory.items()},
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000, help="a kind [default: 1000]")
    count = parser.parse_args().requests
    whole, streamed = (asyncio.run(measure(count, stream=stream)) for stream in (False, True))
    sys.stdout.write("| | one JSON answer | a streamed answer |\n|---|---|---|\n")
    for name, value in whole.items():
        sys.stdout.write(f"| {name} | {value} | {streamed[name]} |\n")


if __name__ == "__main__":
    main()
