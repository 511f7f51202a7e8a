"""A real ``kilter run`` for tests: started as a user would, on ports of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
from prometheus_client.parser import text_string_to_metric_families

START_LIMIT_S = 30.0


class Metrics(dict):
    """``(name, {label: value})`` sums over whatever matches."""

    def total(self, name, **labels):
        wanted = set(labels.items())
        return sum(value for (sample, have), value in self.items() if sample == name and wanted <= set(have))

    def by(self, name, label, **labels):
        wanted = set(labels.items())
        found = {}
        for (sample, have), value in self.items():
            if sample == name and wanted <= set(have):
                key = dict(have)[label]
                found[key] = found.get(key, 0) + value
        return {key: value for key, value in found.items() if value}


def read_metrics(text):
    return Metrics(
        {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }
    )


class RunningKilter:
    """``with RunningKilter(upstream_url, tmp_path, "--workers", "2") as kilter: kilter.url``."""

    def __init__(self, upstream, directory, *flags, env=None, wait=True):
        self.directory = Path(directory)
        self.state = self.directory / "state"
        self.log_file = self.directory / "kilter.log"
        self.wait = wait
        self.pass_fds = ()
        self.env = {**os.environ, "KILTER_STATE": str(self.state), **(env or {})}
        self.argv = [
            sys.executable,
            "-m",
            "sidecar",
            "run",
            "--upstream",
            upstream,
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            *flags,
        ]

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        self._log = self.log_file.open("wb")
        try:
            return self._started()
        except BaseException:
            self.__exit__()
            raise

    def _started(self):
        self.process = subprocess.Popen(
            self.argv, stderr=self._log, stdout=self._log, env=self.env, pass_fds=self.pass_fds
        )
        deadline = time.monotonic() + START_LIMIT_S
        while not (up := self.line("kilter is up")):
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.02)
        self.url, self.admin = f"http://{up['listen']}", f"http://{up['admin']}"
        while self.wait and (self.get("/readyz")[0] != 200 or "kilter_monitor_up 1" not in self.get("/metrics")[1]):
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        family = self.children()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for child in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        self._log.close()

    def log(self):
        return self.log_file.read_text(errors="replace")

    def lines(self):
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def line(self, message):
        return next((line for line in self.lines() if line["message"] == message), None)

    def get(self, path, limit_s=5.0):
        try:
            with urllib.request.urlopen(self.admin + path, timeout=limit_s) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()
        except OSError as error:
            return 0, str(error)

    @staticmethod
    def status_of(url, limit_s=5.0):
        try:
            with urllib.request.urlopen(url, timeout=limit_s) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def metrics(self):
        return read_metrics(self.get("/metrics")[1])

    def until(self, held, limit_s=10.0):
        """Metrics at which ``held(metrics)`` is true; the last ones when it never is."""
        deadline = time.monotonic() + limit_s
        while True:
            metrics = self.metrics()
            if held(metrics) or time.monotonic() > deadline:
                return metrics
            time.sleep(0.05)

    def children(self):
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def pids(self, module):
        """Process ids of ``sidecar.gateway`` or ``sidecar.monitor``, without what they have forked and not yet executed."""
        found = {}
        for child in self.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                if module in child.cmdline():
                    found[child.pid] = child.ppid()
        return [pid for pid, parent in found.items() if parent not in found]
