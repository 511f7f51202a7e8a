"""What the image is made of: pinned by hash, all that Kilter needs, and written down for whoever must account for it."""

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sidecar import __version__

ROOT = Path(__file__).parents[2]
FILES = {name: ROOT / "deploy" / name for name in ("requirements.txt", "build-requirements.txt")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
BUILD = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["build-system"]
IN_THE_IMAGE = ("otlp", "fleet", "samples")
"""Extras: who runs an image cannot install one."""


def pins(name):
    """(requirement, hashes) of each line; a package that differs by Python has several, each with its marker."""
    text = FILES[name].read_text("utf-8").replace("\\\n", " ")
    lines = [line.split("--hash=") for line in text.splitlines() if line and line[0] not in "# "]
    return [(Requirement(requirement), {one.strip() for one in hashes}) for requirement, *hashes in lines]


def version(requirement):
    return next(iter(requirement.specifier)).version


@pytest.mark.parametrize("name", FILES)
def test_everything_is_pinned_to_one_version_and_its_hashes(name):
    for requirement, hashes in pins(name):
        assert [one.operator for one in requirement.specifier] == ["=="], requirement
        assert hashes, requirement
        assert all(one.startswith("sha256:") for one in hashes)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "requirements.txt",
            [
                *PROJECT["dependencies"],
                *(one for name in IN_THE_IMAGE for one in PROJECT["optional-dependencies"][name]),
            ],
        ),
        ("build-requirements.txt", BUILD["requires"]),
    ],
)
@pytest.mark.parametrize("python", ["3.11.2", "3.12.0", "3.13.0"])
def test_the_pins_are_what_the_project_asks_for_on_every_python(name, wanted, python):
    here = {"python_full_version": python, "python_version": python.rpartition(".")[0], "sys_platform": "linux"}
    pinned = {
        canonicalize_name(requirement.name): version(requirement)
        for requirement, _ in pins(name)
        if requirement.marker is None or requirement.marker.evaluate(here)
    }
    for requirement in map(Requirement, wanted):
        have = pinned[canonicalize_name(requirement.name)]
        assert have in requirement.specifier, f"{requirement}: pinned to {have}; make {name} anew (its head says how)"


def test_the_image_installs_by_these_files_and_nothing_else():
    recipe = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    fetching = [line for line in recipe.splitlines() if " install " in line or "pip wheel" in line]
    for line in fetching:
        assert "--require-hashes" in line or "--no-deps" in line or "install -d " in line, line
    for path in FILES.values():
        assert f"--require-hashes -r deploy/{path.name}" in recipe
        assert f"!deploy/{path.name}" in (ROOT / "deploy/Dockerfile.dockerignore").read_text("utf-8")


def test_the_bill_of_materials_names_every_package_with_its_version_and_hashes():
    command = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        "requirements",
        "--pyproject",
        "pyproject.toml",
        "--output-reproducible",
    ]
    done = subprocess.run([*command, "deploy/requirements.txt"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    bill = json.loads(done.stdout)
    assert (bill["metadata"]["component"]["name"], bill["metadata"]["component"]["version"]) == ("kilter", __version__)
    listed = {
        (canonicalize_name(one["name"]), one["version"]): {
            f"sha256:{told['content']}"
            for reference in one["externalReferences"]
            for told in reference.get("hashes", ())
        }
        for one in bill["components"]
    }
    assert listed == {
        (canonicalize_name(requirement.name), version(requirement)): hashes
        for requirement, hashes in pins("requirements.txt")
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_pinned_packages_install_by_hash_and_kilter_runs_on_them_alone(tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    python = environment / "bin/python"
    pip = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--require-hashes", "-r", FILES["requirements.txt"]], check=True)
    subprocess.run([*pip, "--require-hashes", "-r", FILES["build-requirements.txt"]], check=True)
    source = tmp_path / "source"  # a build leaves files behind
    for name in ("sidecar", "detectors"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, source)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", source], check=True)
    subprocess.run([python, "-m", "pip", "check"], check=True)
    done = subprocess.run([environment / "bin/kilter", "--version"], capture_output=True, text=True, check=True)
    assert __version__ in done.stdout
