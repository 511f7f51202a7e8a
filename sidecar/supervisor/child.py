"""A child process that is started again when it dies, with a growing pause."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Sequence
from pathlib import Path

import sidecar
from sidecar import handover
from sidecar.hardening import scrubbed

log = logging.getLogger("kilter.supervisor")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
PAUSE_GROWTH = 1.5
STEADY_AFTER_S = 10.0


class Child:
    """``module`` runs as ``python -m module DOCUMENT_FD``. ``describe()`` makes the document of each start;
    ``descriptors`` are inherited. Times are monotonic seconds, given by the caller.
    """

    def __init__(
        self, name: str, module: str, describe: Callable[[], dict[str, object]], descriptors: Sequence[int]
    ) -> None:
        self.name = name
        self.module = module
        self.restarts = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._describe = describe
        self._descriptors = tuple(descriptors)
        self._started_at_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._exit_code: int | None = None

    @property
    def alive(self) -> bool:
        """Whether the process runs, as far as has been noticed."""
        return self.process is not None and self.process.returncode is None

    @property
    def pid(self) -> int | None:
        """Its process id while alive."""
        return self.process.pid if self.process is not None and self.alive else None

    def start(self, now_s: float) -> None:
        """Starts the process with a scrubbed environment."""
        document = handover.document(self._describe())
        try:
            self.process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [sys.executable, "-P", "-m", self.module, str(document)],
                pass_fds=(*self._descriptors, document),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # a Ctrl-C reaches the supervisor alone, which drains
            )
        finally:
            os.close(document)
        self._started_at_s = now_s

    def ended(self, exit_code: int) -> None:
        """The supervisor has reaped it."""
        if self.process is not None:
            self.process.returncode = exit_code

    def take_death(self) -> bool:
        """Whether it died since the last call: true once a death."""
        dead = self.process is not None and self.process.poll() is not None
        if dead:
            self._exit_code = self.process.returncode if self.process else None
            self.process = None
        return dead

    def died(self, now_s: float) -> float:
        """Notes a death; seconds to wait before the next start. A child that ran steadily starts again at once."""
        self._pause_s = (
            FIRST_PAUSE_S
            if now_s - self._started_at_s > STEADY_AFTER_S
            else min(PAUSE_GROWTH * self._pause_s, LONGEST_PAUSE_S)
        )
        self.restarts += 1
        log.error(
            "a process died and is started again",
            extra={"fields": {"child": self.name, "exit_code": self._exit_code, "pause_s": round(self._pause_s, 2)}},
        )
        return self._pause_s

    @staticmethod
    def _environment() -> dict[str, str]:
        """Scrubbed. ``-P`` keeps the working directory, which others may write to, off the child's path; a
        Kilter that runs from a checkout is found by name instead.
        """
        found, installed = str(Path(sidecar.__file__).parent.parent), sysconfig.get_paths()
        environment = scrubbed()
        if found not in (installed["purelib"], installed["platlib"]):
            environment["PYTHONPATH"] = os.pathsep.join(filter(None, (found, environment.get("PYTHONPATH"))))
        return environment

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal if it runs."""
        if self.process is not None and self.alive:
            self.process.send_signal(number)
