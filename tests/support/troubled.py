"""A running Kilter whose monitor can be put into trouble, by a behaviour planted beside the shipped ones."""

import asyncio
import textwrap

from monitoring import free_port
from relaying import Wire, post
from running import RunningKilter

PROMPT = b'{"model":"m","messages":[{"role":"user","content":"Tell me about the sea."}]}'
PLANTED = """
from pathlib import Path
import time
from detectors.records.behaviour import Behaviour

MODE = Path(__file__).with_name("mode")

def observe(exchange, features):
    mode = MODE.read_text()
    if mode == "raise":
        raise RuntimeError("planted")
    if mode.startswith("sleep "):
        time.sleep(float(mode.split()[1]))
    until = time.thread_time() + (0.5 if mode == "burn" else 0.0)
    while time.thread_time() < until:
        pass
    return ()

behaviour = Behaviour("planted", "a fault of a test", "none", "nothing", "nothing", observe=observe, strata=("all",))
"""
AT_START = """
import sys
if "sidecar.monitor" in sys.orig_argv:
    import detectors.behaviours
    detectors.behaviours.__path__.append({directory!r})
"""


class Troubled:
    """A running Kilter in front of whatever listens at ``upstream_port``, with a behaviour that obeys ``mode``:
    ``none``, ``raise``, ``burn`` (half a second of CPU an exchange), ``sleep SECONDS``.
    """

    def __init__(self, directory, *flags, **env):
        (directory / "path").mkdir(parents=True)
        (directory / "behaviours").mkdir()
        self._mode = directory / "behaviours" / "mode"
        self.mode("none")
        (directory / "behaviours" / "planted.py").write_text(PLANTED)
        (directory / "path" / "sitecustomize.py").write_text(
            textwrap.dedent(AT_START).format(directory=str(directory / "behaviours"))
        )
        self.upstream_port = free_port()
        self.kilter = RunningKilter(
            f"http://127.0.0.1:{self.upstream_port}",
            directory,
            *flags,
            env={"PYTHONPATH": str(directory / "path"), "KILTER_CAPTURE__RING_BYTES": str(4 << 20), **env},
        )
        self.direct = {}

    def mode(self, name):
        self._mode.write_text(name)

    @property
    def port(self):
        return int(self.kilter.url.rsplit(":", 1)[1])

    def monitor(self):
        (pid,) = self.kilter.pids("sidecar.monitor")
        return pid

    async def until(self, held, limit_s=40.0):
        metrics = await asyncio.to_thread(self.kilter.until, held, limit_s)
        assert held(metrics)
        return metrics

    async def well(self):
        return await self.until(lambda seen: seen.total("kilter_monitor_up") == 1)

    async def load(self, count):
        """``count`` small exchanges that the monitor will look at."""
        for _ in range(count):
            wire = await Wire.connect(self.port)
            await wire.write(post(PROMPT, "X-Fault: content length#load"))
            await wire.body(await wire.head())
            wire.close()

    async def fill(self):
        """Large exchanges, all let in while there is still room; more than the rings of both workers hold."""
        wires = [await Wire.connect(self.port) for _ in range(80)]
        for number, wire in enumerate(wires):
            body = PROMPT.replace(b"sea", b"sea %d " % number + b"and the sky " * 16_000)
            await wire.write(post(body, "X-Fault: content length#load"))
        for wire in wires:
            await wire.body(await wire.head())
            wire.close()
