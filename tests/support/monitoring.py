"""The monitoring side of a deployment, for tests: the real Prometheus and Alertmanager with the shipped files.

What is tested is what is shipped: rules and configurations are read from ``deploy/`` and only
their durations are shortened, by ``shortened``, so that an hour passes in seconds.
"""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import time
from pathlib import Path

import aiohttp
from aiohttp import web

DEPLOY = Path(__file__).parents[2] / "deploy"

SHORT = {
    "0s": "0s",
    "7d": "7d",
    "1d": "120s",  # the reference window: all of the test
    "1h": "20s",  # ... up to this long ago
    "12h": "12h",
    "30m": "5s",  # the recent window
    "15m": "3s",
    "5m": "3s",
    "2m": "6s",  # longer than a starting Prometheus takes to its first scrape: up to 5 s
    "1m": "1s",
    "30s": "1s",
    "15s": "500ms",  # the scrape
    "10s": "500ms",
}


SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def shortened(text, durations=SHORT):
    """Every duration of a rule or configuration file by the table above, or another; one that is not in it by 60."""

    def short(match):
        whole_s = int(match[0][:-1]) * SECONDS[match[0][-1]]
        return durations.get(match[0]) or f"{max(1, whole_s // 60)}s"

    return re.sub(r"\b\d+[smhd]\b", short, text)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Webhook:
    """Receives what Alertmanager sends: ``alerts`` in the order of arrival."""

    def __init__(self):
        self.alerts = []

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/kilter", self._take)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.address = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_):
        await self._runner.cleanup()

    async def _take(self, request):
        self.alerts += (await request.json())["alerts"]
        return web.Response()

    def named(self, name, status="firing"):
        return [a for a in self.alerts if a["labels"]["alertname"] == name and a["status"] == status]

    async def until(self, name, status="firing", limit_s=25.0):
        """The first such alert. AssertionError, with what came instead, after ``limit_s``."""
        deadline = time.monotonic() + limit_s
        while not self.named(name, status):
            came = [(a["labels"]["alertname"], a["status"]) for a in self.alerts]
            assert time.monotonic() < deadline, f"no {status} {name} within {limit_s} s; came: {came}"
            await asyncio.sleep(0.1)
        return self.named(name, status)[0]


class MonitoringStack:
    """``async with MonitoringStack(dir, programs, kilter_admin) as stack``: scrapes, evaluates, delivers."""

    def __init__(self, directory, prometheus, alertmanager, kilter_admin, durations=SHORT):
        self.directory = Path(directory)
        self._durations = durations
        self._programs = prometheus, alertmanager
        self._kilter = kilter_admin
        self.webhook = Webhook()
        self._processes = []

    async def __aenter__(self):
        prometheus, alertmanager = self._programs
        self.prometheus, manager = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        await self.webhook.__aenter__()
        self._write("alertmanager/alertmanager.yml", {r"http://\w+\.example:8080": f"http://{self.webhook.address}"})
        self._write("prometheus/prometheus.yml", {"alertmanager:9093": manager, "kilter:9401": self._kilter})
        for path in (DEPLOY / "prometheus/rules").glob("*.yaml"):
            self._write(f"prometheus/rules/{path.name}", {})
        self._start(
            alertmanager,
            f"--config.file={self.directory}/alertmanager/alertmanager.yml",
            f"--storage.path={self.directory}/alertmanager/data",
            f"--web.listen-address={manager}",
            "--cluster.listen-address=",
        )
        self._start(
            prometheus,
            f"--config.file={self.directory}/prometheus/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/prometheus/data",
            f"--web.listen-address={self.prometheus}",
        )
        self._session = aiohttp.ClientSession(f"http://{self.prometheus}")
        await self._ready()
        return self

    async def __aexit__(self, *_):
        await self._session.close()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(10)
        await self.webhook.__aexit__()

    def _write(self, name, changes):
        text = shortened((DEPLOY / name).read_text(encoding="utf-8"), self._durations)
        for pattern, new in changes.items():
            text, count = re.subn(pattern, new, text)
            assert count, f"{pattern} is not in {name}"
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _start(self, program, *flags):
        with (self.directory / f"{Path(program).name}.log").open("wb") as log:
            self._processes.append(subprocess.Popen([program, *flags], stdout=log, stderr=log))

    async def _ready(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                async with self._session.get("/-/ready") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            logs = "".join(path.read_text() for path in self.directory.glob("*.log"))
            assert all(process.poll() is None for process in self._processes), logs
            assert time.monotonic() < deadline, logs
            await asyncio.sleep(0.1)

    async def query(self, expression):
        """The instant vector as (labels, value) pairs. AssertionError with Prometheus's own words when refused."""
        rows = await self._asked("/api/v1/query", expression)
        return [(row["metric"], float(row["value"][1])) for row in rows]

    async def history(self, expression, from_s, to_s, step_s=1.0):
        """(labels, [(Unix seconds, value)]) of each series, as a graph asks for it."""
        times = {"start": f"{from_s:.3f}", "end": f"{to_s:.3f}", "step": f"{step_s}"}
        rows = await self._asked("/api/v1/query_range", expression, **times)
        return [(row["metric"], [(float(at), float(value)) for at, value in row["values"]]) for row in rows]

    async def _asked(self, path, expression, **more):
        async with self._session.get(path, params={"query": expression, **more}) as answer:
            said = await answer.json()
        assert said["status"] == "success", f"{said.get('error')} in {expression}"
        return said["data"]["result"]
