"""The direction of imports, and that each module stands alone."""

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


def test_every_module_imports_alone():
    script = """
import aiohttp.web, click, numpy, opentelemetry.sdk.trace, prometheus_client, py3langid, pydantic, rich.console, scipy.stats, uvloop
import importlib, json, os, sys
# What others wrote is loaded once, here: only our own modules must find each what they need.
bad = []
for name in json.loads(sys.argv[1]):
    pid = os.fork()
    if pid == 0:
        try:
            importlib.import_module(name)
        except BaseException:
            os._exit(1)
        os._exit(0)
    if os.waitpid(pid, 0)[1]:
        bad.append(name)
print(json.dumps(bad))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(MODULES)], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


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
