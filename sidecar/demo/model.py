"""A real, small model behind llama.cpp's HTTP server, in a process of its own.

It answers chat, streams and counts tokens as a large server does; it calls no tools, hardly
ever refuses and knows English only. For those the scripted upstream is there.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path
from types import TracebackType
from typing import Self

import click

from sidecar.demo.weights import ModelUnavailable, weights

__all__ = ["NAME", "SYSTEM_PROMPT", "ModelUnavailable", "RealModel"]

NAME = "smollm2"
SYSTEM_PROMPT = "You are a helpful AI assistant."
"""To be sent with every conversation: the model's built-in one spoils its answers."""
SLOTS = 4
CONTEXT_TOKENS = 4096
"""Of one conversation; 17 short turns fit."""
READY_TIMEOUT_S = 120.0
STOP_TIMEOUT_S = 5.0


class RealModel:
    """``async with RealModel() as model:`` serves ``smollm2`` at ``model.url``.

    Entering fetches the weights when they are missing. ModelUnavailable when they cannot
    be had, when xllamacpp is not installed, or when the server is not ready in time.
    """

    def __init__(self, *, threads: int = 2, ready_timeout_s: float = READY_TIMEOUT_S) -> None:
        self.url = ""
        self._threads = threads
        self._ready_timeout_s = ready_timeout_s
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        path = await asyncio.to_thread(weights)
        command = ["-m", "sidecar.demo.model", "--serve", str(path), "--threads", str(self._threads)]
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
        )
        try:
            self.url = await asyncio.wait_for(self._announced(self._process), self._ready_timeout_s)
        except TimeoutError:
            await self.stop()
            raise ModelUnavailable(f"the model server was not ready within {self._ready_timeout_s:g} s") from None
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _announced(self, process: Process) -> str:
        """The URL from the child's first line of JSON; what llama.cpp prints itself is passed over."""
        if process.stdout is None:
            raise RuntimeError("the child was started without a pipe")
        async for line in process.stdout:
            try:
                told = json.loads(line)
            except ValueError:
                continue
            if "error" in told:
                raise ModelUnavailable(told["error"])
            return str(told["url"])
        raise ModelUnavailable(f"the model server ended with code {await process.wait()}")

    async def stop(self) -> None:
        """Ends the child and waits for it; does nothing the second time."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()


@click.command()
@click.option("--serve", "path", type=click.Path(exists=True, path_type=Path), required=True, help="The weights.")
@click.option("--threads", type=click.IntRange(1), default=2)
def main(path: Path, threads: int) -> None:
    """Serves on a free port of 127.0.0.1 until standard input ends, so it never outlives its parent."""
    try:
        import xllamacpp  # noqa: PLC0415 -- an optional package; its absence is told to the parent
    except ImportError:
        click.echo(json.dumps({"error": "xllamacpp is not installed: pip install 'kilter[demo]'"}))
        raise SystemExit(1) from None
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_parallel = SLOTS
    params.n_ctx = SLOTS * CONTEXT_TOKENS
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = threads
    params.use_jinja = True
    params.ui = False
    params.offline = True
    params.endpoint_metrics = True
    params.sampling.seed = 7
    server = xllamacpp.Server(params)
    click.echo(json.dumps({"url": server.listening_address}))
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
