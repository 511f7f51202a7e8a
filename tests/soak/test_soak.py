"""Hours in short: streams that finish, are left, are cut, upload and wait, through a whole Kilter that must not grow.

    pytest -m slow tests/soak -s                        # twelve minutes; seed 20261125

After a warm-up the resident memory of each process may grow by 1 MiB in ten minutes, the descriptors by
none, and every error that was counted or logged must be one that the model server was told to make.
"""

import asyncio
import random
import time

import psutil
import pytest
from relaying import Scripted, Wire, post
from running import RunningKilter

SEED = 20261125
CLIENTS = 32
CONVERSATIONS = 2000  # what is remembered of conversations is bounded; with so many it is full after the warm-up
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"the sea and the sky "}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
QUIET = ("kilter is up", "draining", "kilter has stopped")


async def model(wire):
    """Does what the path says."""
    while head := await wire.head(600):
        path = head.split(b" ")[1].rsplit(b"/", 1)[1]
        await wire.body(head)
        if path == b"hang":
            await wire.rest(600)
            return
        if path == b"cut":
            await wire.write(SSE_HEAD + CHUNK)
            wire.reset()
            return
        if path == b"completions":
            await wire.write(SSE_HEAD)
            for _ in range(20):
                await wire.write(CHUNK)
                await asyncio.sleep(0.01)
            await wire.write(b"0\r\n\r\n")
        else:
            await wire.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000)


class Load:
    """``done`` counts what was done, by kind; ``wrong`` holds what came out otherwise than it should."""

    def __init__(self, port):
        self._port = port
        self._number = 0
        self.done = {}
        self.wrong = []

    async def client(self, seed, until_s):
        rng = random.Random(seed)
        kinds = (self.stream, self.stream, self.leaves, self.leaves, self.leaves_early, self.uploads, self.is_cut)
        while time.monotonic() < until_s:
            kind = rng.choice(kinds)
            wire = await Wire.connect(self._port)
            Wire.connected.remove(wire)
            self._number += 1
            number = self._number % CONVERSATIONS
            prompt = b'{"model":"m","stream":true,"messages":[{"role":"user","content":"question %d"}]}' % number
            try:
                await kind(wire, prompt, rng)
            except (OSError, EOFError, TimeoutError, ValueError) as error:
                self.wrong.append(f"{kind.__name__}: {type(error).__name__}")
            self.done[kind.__name__] = self.done.get(kind.__name__, 0) + 1
            wire.close()
            await asyncio.sleep(rng.uniform(0.0, 0.3))

    async def stream(self, wire, prompt, rng):
        for _ in range(rng.randrange(1, 4)):
            await wire.write(post(prompt))
            await wire.head()
            if await wire.chunked() != CHUNK * 20 + b"0\r\n\r\n":
                self.wrong.append("stream")

    async def leaves(self, wire, prompt, rng):
        await wire.write(post(prompt))
        await wire.head()
        await wire.exactly(rng.randrange(1, 10 * len(CHUNK)))
        wire.reset() if rng.random() < 0.5 else wire.close()

    async def leaves_early(self, wire, prompt, rng):
        await wire.write(post(prompt, target="/v1/chat/completions/hang"))
        await asyncio.sleep(rng.uniform(0.0, 0.2))
        wire.reset() if rng.random() < 0.5 else wire.close()

    async def uploads(self, wire, prompt, rng):
        await wire.write(post(prompt + b" " * rng.randrange(300_000), target="/v1/files"))
        if len(await wire.body(await wire.head())) != 5000:
            self.wrong.append("uploads")

    async def is_cut(self, wire, prompt, rng):  # noqa: ARG002 - every kind is called alike
        await wire.write(post(prompt, target="/v1/chat/completions/cut"))
        await wire.rest()


def footprint(kilter):
    """Process name to (resident bytes, descriptors)."""
    found = {}
    for process in [psutil.Process(kilter.process.pid), *kilter.children()]:
        module = next((part for part in process.cmdline() if part.startswith("sidecar")), "supervisor")
        found[f"{module} {process.pid}"] = (process.memory_info().rss, process.num_fds())
    return found


def slope(points):
    """Least squares, bytes in ten minutes."""
    mean_t, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    rise = sum((t - mean_t) * (y - mean_y) for t, y in points)
    return 600 * rise / sum((t - mean_t) ** 2 for t, _ in points)


async def soaked(directory, lasts_s, warm_up_s):
    async with Scripted(model) as upstream:
        env = {"KILTER_CAPTURE__RING_BYTES": str(1 << 20), "KILTER_TIMEOUTS__UPSTREAM_KEEPALIVE_S": "0.5"}
        with RunningKilter(f"http://127.0.0.1:{upstream.port}", directory, "--workers", "2", env=env) as kilter:
            load = Load(int(kilter.url.rsplit(":", 1)[1]))
            await asyncio.gather(*(load.client(SEED + n, time.monotonic() + warm_up_s) for n in range(CLIENTS)))
            await asyncio.sleep(2)  # idle upstream connections have gone
            kilter.metrics()  # so that its connections are open both times
            idle = footprint(kilter)
            clients = [asyncio.ensure_future(load.client(-n - 1, time.monotonic() + lasts_s)) for n in range(CLIENTS)]
            points = {name: [] for name in idle}
            while not all(client.done() for client in clients):
                await asyncio.sleep(lasts_s / 60)
                for name, (resident, _) in footprint(kilter).items():
                    points[name].append((time.monotonic(), resident))
                upstream.wires.clear()
            await asyncio.gather(*clients)
            await asyncio.sleep(2)
            metrics = kilter.metrics()
            after = footprint(kilter)
            logged = [line for line in kilter.lines() if line["message"] not in QUIET]
    return load, idle, after, points, metrics, logged


def report(load, idle, after, points, metrics):
    print(f"\n{sum(load.done.values())} connections: {load.done}")
    for name, series in points.items():
        print(
            f"{name}: {idle[name][0] / 2**20:.1f} MiB idle, {after[name][0] / 2**20:.1f} after, "
            f"{slope(series) / 2**20:+.2f} MiB in ten minutes, descriptors {idle[name][1]} and {after[name][1]}; "
            "at each tenth "
            + " ".join(f"{resident / 2**20:.1f}" for _, resident in series[:: max(1, len(series) // 10)])
        )
    print({name: metrics.by(name, label) for name, label in (("kilter_captures_total", "outcome"),)})


def check_no_error_but_the_scripted(load, metrics, logged):
    cut = load.done["is_cut"]
    left = load.done["leaves"] + load.done["leaves_early"]
    assert load.wrong == []
    assert metrics.by("kilter_upstream_errors_total", "reason") == {"reset": cut}
    assert metrics.by("kilter_rejected_requests_total", "reason") == {}
    # A reset can destroy a request before it is read: then nobody has left an exchange.
    assert 0.99 * left <= metrics.total("kilter_client_disconnects_total") <= left
    assert metrics.total("kilter_captures_total", outcome="failed") == 0
    assert metrics.total("kilter_analysis_errors_total") == 0
    assert metrics.total("kilter_process_restarts_total") == 0
    assert metrics.total("kilter_inflight_requests") == 0
    assert metrics.total("kilter_open_connections") == 0
    assert metrics.total("kilter_capture_inflight_bytes") == 0
    assert [line for line in logged if line["level"] in ("warning", "error")] == []


async def test_a_short_soak_leaves_no_descriptor_no_copy_and_no_error_behind(tmp_path):
    load, idle, after, points, metrics, logged = await soaked(tmp_path, lasts_s=5.0, warm_up_s=2.0)
    report(load, idle, after, points, metrics)
    check_no_error_but_the_scripted(load, metrics, logged)
    assert {name: fds for name, (_, fds) in after.items()} == {name: fds for name, (_, fds) in idle.items()}
    assert sum(load.done.values()) > 200


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_twelve_minutes_of_streams_left_and_finished_grow_nothing(tmp_path):
    load, idle, after, points, metrics, logged = await soaked(tmp_path, lasts_s=660.0, warm_up_s=60.0)
    report(load, idle, after, points, metrics)
    check_no_error_but_the_scripted(load, metrics, logged)
    assert {name: fds for name, (_, fds) in after.items()} == {name: fds for name, (_, fds) in idle.items()}
    assert sum(load.done.values()) > 10_000
    assert {name: round(slope(series) / 2**20, 2) for name, series in points.items() if slope(series) > 1 << 20} == {}
