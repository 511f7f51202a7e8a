"""The image: built by buildah from the shipped Dockerfile over a local stand-in base, and run as it would be.

The real base, python:slim, cannot be fetched everywhere; the stand-in is a Debian of the same
release and Python under the same name. The image's root is mounted read-only and its own
entrypoint is started in it, by its own user and with its own environment.
"""

import asyncio
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from load import ask, chat
from real import missing, program

from sidecar.demo.upstream import ScriptedUpstream

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
BASE = "docker.io/library/python:3.11-slim-bookworm"
LARGEST_ENVIRONMENT_MB = 330
START_S = 60

SERVE = """
set -eu
root=$1; shift
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o uid=65532,gid=65532,mode=0700 tmpfs "$root/var/lib/kilter"
mount -o remount,ro,bind "$root"
exec env -i "$@"
"""
"""In a mount namespace of its own: what ``--read-only --tmpfs /tmp`` and a volume make of the root."""


class Buildah:
    """Without a daemon or privileges of containers: vfs storage and plain chroots, in ``directory``."""

    def __init__(self, directory):
        self._command = [program("buildah"), "--root", f"{directory}/store", "--runroot", f"{directory}/run"]
        self._env = {**os.environ, "STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}

    def __call__(self, *arguments):
        done = subprocess.run(
            [*self._command, *map(str, arguments)], env=self._env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()


def stand_in_base(buildah, directory):
    root = directory / "base"
    packages = "--include=python3,python3-venv,python3-pip,ca-certificates"
    subprocess.run(
        [program("debootstrap"), "--variant=minbase", packages, "bookworm", root, "http://deb.debian.org/debian"],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    for name, target in {"python": "python3", "pip": "pip3"}.items():
        (root / "usr/local/bin" / name).symlink_to(f"/usr/bin/{target}")
    container = buildah("from", "scratch")
    buildah("add", "-q", container, root, "/")
    buildah("commit", "-q", container, BASE)
    shutil.rmtree(root)


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if os.geteuid() != 0:
        missing("building and mounting an image needs root")
    directory = tmp_path_factory.mktemp("image")
    buildah = Buildah(directory)
    stand_in_base(buildah, directory)
    ignore = ROOT / "deploy/Dockerfile.dockerignore"
    host = [
        flag
        for path in ("/etc/ssl/certs", "/etc/pip.conf")
        if Path(path).exists()
        for flag in ("-v", f"{path}:{path}:ro")
    ]
    recipe = ["--ignorefile", ignore, "-f", ROOT / "deploy/Dockerfile"]
    buildah("bud", "-q", "--pull-never", "--format", "docker", *recipe, *host, "-t", "kilter", ROOT)
    config = json.loads(buildah("inspect", "--type", "image", "localhost/kilter"))["Docker"]["config"]
    container = buildah("from", "--pull-never", "localhost/kilter")
    yield SimpleNamespace(root=Path(buildah("mount", container)), config=config)
    buildah("umount", container)


def inside(image, *command, env=()):
    """The command as the image's user, in its root, with its environment."""
    entered = ["/usr/sbin/chroot", f"--userspec={image.config['User']}", image.root, *command]
    return list(map(str, [*image.config["Env"], *env, *entered]))


def announced(log, process):
    deadline = time.monotonic() + START_S
    while True:
        lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
        for line in lines:
            if line["message"] == "kilter is up":
                return line
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)


def test_the_environment_in_the_image_is_small(image):
    size = subprocess.run(["du", "-sm", image.root / "opt/kilter"], capture_output=True, text=True, check=True).stdout
    print(size)
    assert int(size.split()[0]) <= LARGEST_ENVIRONMENT_MB


def test_nothing_but_the_two_packages_is_copied_into_the_build(image):
    found = {path.name for path in image.root.glob("opt/kilter/lib/python3*/site-packages/*")}
    assert {"sidecar", "detectors"} <= found
    assert not {"tests", "deploy", "grafana", "pip"} & found


async def test_the_image_serves_from_a_root_it_cannot_write_and_stops_cleanly(image, tmp_path):
    log = tmp_path / "kilter.log"
    ports = ("KILTER_LISTEN=127.0.0.1:0", "KILTER_ADMIN=127.0.0.1:0")
    async with ScriptedUpstream() as upstream:
        command = inside(image, *image.config["Entrypoint"], "--upstream", upstream.url, env=ports)
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", SERVE, "sh", str(image.root), *command], stderr=out
            )
        try:
            up = await asyncio.to_thread(announced, log, process)
            answer = await ask(f"http://{up['listen']}", *chat("How do I clean a bicycle chain?", stream=True))
            assert (answer.status, answer.error) == (200, "")
            assert b"data: [DONE]" in answer.body
            check = image.config["Healthcheck"]["Test"]
            assert check[0] == "CMD"
            probe = [part.replace("9401", up["admin"].rpartition(":")[2]) for part in check[1:]]
            assert subprocess.run(["env", "-i", *inside(image, *probe)], check=False).returncode == 0
            process.terminate()
            assert await asyncio.to_thread(process.wait, 20) == 0, log.read_text()
            assert (
                subprocess.run(["env", "-i", *inside(image, *probe)], capture_output=True, check=False).returncode != 0
            )
        finally:
            process.kill()
            process.wait()
