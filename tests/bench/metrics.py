"""What does a scrape cost with 500 strata?

    python tests/bench/metrics.py [--scrapes 40] [--long-names]

A real ``kilter run`` with a baseline of 368 tested strata of 8 models (``many_strata.py``), which with what is only counted makes
some 500, named shortly or as hubs name them (33 characters), at 60 requests a second, with ticks of five seconds. Scraped every half second, as Prometheus does it: over the admin address,
plain and with gzip in turns, so that many a scrape comes right after a tick has changed every verdict. Times are the
client's, from the request to the last byte; beside them ``/healthz``, the cost of asking at all, and the status page.
"""

import argparse
import asyncio
import functools
import itertools
import random
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("support", "end_to_end")]
import many_strata
from load import ask, at_rate
from running import RunningKilter

from sidecar.demo.script import Phase, Policy, Script
from sidecar.demo.upstream import ScriptedUpstream
from sidecar.store.baseline_file import dumped

PER_S = 60
TICK_S = 5
SHORT = [f"model-{number}" for number in range(8)]
LONG = [f"meta-llama/Llama-3.{number}-70B-Instruct" for number in range(8)]


def fetched(address, **headers):
    """(seconds, bytes on the wire)."""
    begun = time.perf_counter()
    asked = urllib.request.Request(address, headers={name.replace("_", "-"): value for name, value in headers.items()})
    with urllib.request.urlopen(asked, timeout=30) as answer:
        body = answer.read()
    return time.perf_counter() - begun, body


def row(name, measured):
    times = sorted(1000 * seconds for seconds, _ in measured)
    size = statistics.median(len(body) for _, body in measured)
    print(
        f"{name:24} {statistics.median(times):8.1f} ms {times[int(0.95 * len(times))]:8.1f} ms {times[-1]:8.1f} ms {size:12,.0f} bytes"
    )


async def measure(directory, scrapes):
    file, rng, numbers = directory / "baseline.json", random.Random(7), itertools.count()
    file.write_text(dumped(many_strata.baseline()))
    settings = {"KILTER_TICKS__LENGTH_S": str(TICK_S), "KILTER_TICKS__GRACE_S": "5", "KILTER_BASELINE__FILE": str(file)}
    found = {"/metrics": [], "/metrics, gzip": [], "/healthz": [], "/ (the page)": []}
    async with ScriptedUpstream(Script(phases=(Phase(policy=Policy(refusal=many_strata.REFUSAL)),))) as upstream:
        with RunningKilter(upstream.url, directory / "k", env=settings) as kilter:

            def jobs(count):
                return [
                    functools.partial(ask, kilter.url, "/v1/chat/completions", many_strata.request(rng, next(numbers)))
                    for _ in range(count)
                ]

            await at_rate(PER_S * 4, jobs(PER_S * 20))  # so that every stratum has counted
            running = asyncio.ensure_future(at_rate(PER_S, jobs(PER_S * scrapes)))
            for _ in range(scrapes):
                found["/metrics"].append(await asyncio.to_thread(fetched, kilter.admin + "/metrics"))
                await asyncio.sleep(0.5)
                found["/metrics, gzip"].append(
                    await asyncio.to_thread(fetched, kilter.admin + "/metrics", Accept_Encoding="gzip")
                )
                found["/healthz"].append(await asyncio.to_thread(fetched, kilter.admin + "/healthz"))
                await asyncio.sleep(0.5)
            found["/ (the page)"] = [await asyncio.to_thread(fetched, kilter.admin + "/") for _ in range(5)]
            await running
    text = found["/metrics"][-1][1].decode()
    tested = text.count("\nkilter_rate_reference{")
    counted = text.count("\nkilter_rate{")
    print(
        f"{counted} strata, {tested} of them tested, {sum(not line.startswith('#') for line in text.splitlines()):,} series; {scrapes} scrapes each, {PER_S} requests a second"
    )
    print(f"{'':24} {'median':>11} {'95 of 100':>11} {'longest':>11} {'size':>18}")
    for name, measured in found.items():
        row(name, measured)


def main():
    """Prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scrapes", type=int, default=40)
    parser.add_argument("--long-names", action="store_true", help="Models named as hubs name them.")
    asked = parser.parse_args()
    many_strata.MODELS = LONG if asked.long_names else SHORT
    with tempfile.TemporaryDirectory() as name:
        asyncio.run(measure(Path(name), asked.scrapes))


if __name__ == "__main__":
    main()
