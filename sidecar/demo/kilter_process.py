"""``kilter run`` as a process of its own, on free ports, with a state directory that is thrown away."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

START_LIMIT_S = 30.0
STOP_LIMIT_S = 10.0


class KilterProcess:
    """``async with KilterProcess(upstream_url) as kilter:`` serves at ``kilter.url``; ``kilter.admin`` is
    ``host:port``, ``kilter.state`` its directory. ``settings`` are environment variables. RuntimeError, with Kilter's own message, when it does not start.
    """

    def __init__(self, upstream_url: str, *flags: str, settings: Mapping[str, str] | None = None) -> None:
        self.url = ""
        self.admin = ""
        self._command = ["-m", "sidecar", "run", "--upstream", upstream_url, "--listen", "127.0.0.1:0"]
        self._command += ["--admin", "127.0.0.1:0", *flags]
        self._settings = dict(settings or {})
        self._process: Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._state = tempfile.TemporaryDirectory(prefix="kilter-demo-")
        env = {name: value for name, value in os.environ.items() if not name.startswith("KILTER_")}
        env |= {**self._settings, "KILTER_STATE": self._state.name}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *self._command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env=env
        )
        try:
            await asyncio.wait_for(self._announced(self._process), START_LIMIT_S)
        except BaseException:
            await self.stop()
            raise
        # The log must be read on, or a full pipe would hold Kilter up.
        self._reader = asyncio.get_running_loop().create_task(self._read_on(self._process))
        return self

    @property
    def state(self) -> Path:
        """Where its token is."""
        return Path(self._state.name)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _announced(self, process: Process) -> None:
        if process.stderr is None:
            raise RuntimeError("the child was started without a pipe")
        said = ""
        async for line in process.stderr:
            said = line.decode(errors="replace").strip()
            told = json.loads(said) if said.startswith("{") else {}
            if told.get("message") == "kilter is up":
                self.url, self.admin = f"http://{told['listen']}", told["admin"]
                return
        raise RuntimeError(f"kilter run ended with code {await process.wait()}: {said}")

    @staticmethod
    async def _read_on(process: Process) -> None:
        while process.stderr is not None and await process.stderr.read(65536):
            pass

    async def stop(self) -> None:
        """SIGTERM and, if that does not do, SIGKILL; throws the state away."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(process.wait(), STOP_LIMIT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        if self._reader is not None:
            await self._reader
        self._state.cleanup()
