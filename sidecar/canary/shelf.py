"""The suites that are asked while a process lives: files come, change, break and go.

Rules of this file
* A file that no longer reads as a suite, or is gone, leaves its last good form in use: counted, and said once.
  What is not asked any more must be a decision (a restart), not a mistake.
* A suite is taken only when it can also be rendered, so that asking never meets a mistake of its file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from sidecar.canary.arithmetic import ExpressionError
from sidecar.canary.draws import SECRET_BYTES
from sidecar.canary.generate import render
from sidecar.canary.loading import LoadedSuite, SuiteError, built_in_paths, in_directory, load

log = logging.getLogger("kilter.monitor")

State = Literal["loaded", "kept", "broken"]
STATES: tuple[State, ...] = ("loaded", "kept", "broken")
"""As its file is; in its last good form; never read."""

_GONE = (0, 0, 0)


class Shelf:
    """The built-in suites and those of ``folder``, of which only those named in ``only`` where it is not empty.

    ``errors`` counts files found broken or gone. Nothing raises for the state of the files.
    """

    def __init__(self, folder: Path | None = None, only: Iterable[str] = ()) -> None:
        self._folder = folder
        self._only = frozenset(only)
        self._seen: dict[Path, tuple[int, int, int]] = {}
        self._good: dict[Path, LoadedSuite] = {}
        self._states: dict[Path, State] = {}
        self._unreadable = False
        self.errors = 0

    def look(self) -> None:
        """Reads what has changed since the last look."""
        for path in self._paths():
            signature = _signature(path)
            if self._seen.get(path) != signature:
                self._seen[path] = signature
                self._read(path)

    @property
    def suites(self) -> tuple[LoadedSuite, ...]:
        """Those to ask, in the order of their files."""
        chosen = [self._good[path] for path in sorted(self._good)]
        return tuple(suite for suite in chosen if not self._only or suite.suite.suite in self._only)

    def count(self, state: State) -> int:
        """How many files are in ``state``."""
        return sum(found == state for found in self._states.values())

    def _paths(self) -> list[Path]:
        paths = [*built_in_paths()]
        if self._folder is not None:
            try:
                paths += in_directory(self._folder)
                self._unreadable = False
            except SuiteError as error:
                if not self._unreadable:
                    self._unreadable = True
                    self._failed(str(error))
        return [*paths, *(path for path in self._seen if path not in paths)]

    def _read(self, path: Path) -> None:
        try:
            self._good[path] = self._checked(path)
        except SuiteError as error:
            self._states[path] = "kept" if path in self._good else "broken"
            self._failed(str(error))
        else:
            self._states[path] = "loaded"

    def _checked(self, path: Path) -> LoadedSuite:
        if self._seen[path] == _GONE:
            raise SuiteError(f"{path}: is gone")
        suite = load(path)
        name = suite.suite.suite
        if any(other.suite.suite == name for at, other in self._good.items() if at != path):
            raise SuiteError(f"{suite.place('suite')}: suite: {name} is also the name of another file's")
        try:
            render(suite, bytes(SECRET_BYTES), 0)
        except (ExpressionError, ValueError) as error:
            raise SuiteError(f"{suite.shown}: {error}") from None
        return suite

    def _failed(self, why: str) -> None:
        self.errors += 1
        log.error(
            "a canary suite cannot be read; its last good form, if any, stays in use", extra={"fields": {"why": why}}
        )


def _signature(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return _GONE
    return found.st_mtime_ns, found.st_size, found.st_ino
