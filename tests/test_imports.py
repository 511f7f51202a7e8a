"""The direction of imports, and that each module stands alone."""

import ast
import json
import pkgutil
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import detectors
import sidecar

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    module.name
    for package in (sidecar, detectors)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    if not module.name.endswith("__main__")
)

PLANTED = {
    "sidecar in detectors": ("detectors/features/length.py", "import sidecar.config"),
    "the monitor in the gateway": ("sidecar/gateway/recorder.py", "import sidecar.monitor.monitor"),
    "the monitor in the supervisor": ("sidecar/supervisor/child.py", "import sidecar.monitor.monitor"),
    "a clock in a detector": ("detectors/features/length.py", "import time"),
    "one behaviour in another": (
        "detectors/behaviours/hollow_refusal.py",
        "import detectors.behaviours.refusal_by_length",
    ),
}


ALONE = """
import importlib, json, os, sys
others, ours = json.load(sys.stdin)
for name in others:
    importlib.import_module(name)
for name in ours:
    if not (pid := os.fork()):
        importlib.import_module(name)
        os.write(1, f"{name}\\n".encode())
        os._exit(0)
    os.waitpid(pid, 0)
"""
"""Prints what of ``ours`` can be imported where nothing of ours is, each in a process of its own. What others wrote is loaded
once, before: it takes a hundred times as long, and only our own modules must find each what they need.
"""


def test_every_module_imports_alone():
    run = subprocess.run(
        [sys.executable, "-c", ALONE], input=json.dumps([others(), MODULES]), capture_output=True, text=True, check=True
    )
    assert sorted(run.stdout.split()) == MODULES, run.stderr


def others():
    """Names of the modules of others that stand in import statements at the top level of ours."""
    named = set()
    for module in MODULES:
        path = ROOT.joinpath(*module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        for statement in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(statement, ast.Import):
                named.update(alias.name for alias in statement.names)
            elif isinstance(statement, ast.ImportFrom):
                named.add(statement.module)
    return sorted(name for name in named if name.partition(".")[0] not in ("sidecar", "detectors"))


def lint_imports(root):
    return subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_import_against_the_direction_breaks_the_contracts(tmp_path, planted):
    file, line = PLANTED[planted]
    for name in ("sidecar", "detectors", "pyproject.toml"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / name)
    if planted == next(iter(PLANTED)):
        whole = lint_imports(tmp_path)
        assert whole.returncode == 0, whole.stdout
    with (tmp_path / file).open("a") as target:
        target.write(f"\n{line}\n")
    broken = lint_imports(tmp_path)
    assert broken.returncode == 1, broken.stdout + broken.stderr
    assert "BROKEN" in broken.stdout
