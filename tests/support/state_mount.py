"""Running Kilters whose state directory is a mount of their own: a small file system that can be filled, or a read-only one.

It lies in a mount namespace of the process and is reached from outside through ``/proc``. Permissions would not do: root
ignores them.
"""

import contextlib
import subprocess
from pathlib import Path

import pytest
from real import missing, program
from running import RunningKilter

SIZE = "4m"


def unshared():
    """The words before a program that give it mounts of its own."""
    for words in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0:
            return words
    return missing("this kernel lets nobody here have mounts of his own")


class _Mounted(RunningKilter):
    def __init__(self, upstream, directory, *flags, mount, **more):
        program("unshare")
        super().__init__(upstream, directory, *flags, **more)
        self.mounted = self.state
        self.argv = [*unshared(), "sh", "-c", f'{mount} && exec "$@"', str(self.mounted), *self.argv]

    def _started(self):
        self.mounted.mkdir(parents=True, exist_ok=True)
        up = super()._started()
        self.state = Path(f"/proc/{self.process.pid}/root{self.mounted.resolve()}")
        return up


class SmallKilter(_Mounted):
    """As ``RunningKilter``, its state on a file system of ``SIZE``. ``state`` is the way there from outside, once it runs."""

    def __init__(self, upstream, directory, *flags, **more):
        mount = f'mount -t tmpfs -o size={SIZE},mode=700 none "$0"'
        super().__init__(upstream, directory, *flags, mount=mount, **more)

    @contextlib.contextmanager
    def troubled(self):
        """No new file, and no more than what is left of the last page of an old one, can be written."""
        filler = self.state / "filler"
        with filler.open("wb", buffering=0) as file:
            for size in (65536, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"x" * size)
        with pytest.raises(OSError, match="No space left"), (self.state / "probe").open("wb", buffering=0) as file:
            file.write(b"x")
        yield
        filler.unlink()
        (self.state / "probe").unlink(missing_ok=True)


class ReadOnlyKilter(_Mounted):
    """As ``RunningKilter``, begun on the state of an earlier one, which it cannot write until the end of ``troubled``."""

    def __init__(self, upstream, directory, *flags, **more):
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"'
        super().__init__(upstream, directory, *flags, mount=mount, **more)

    @contextlib.contextmanager
    def troubled(self):
        """Until its end."""
        with pytest.raises(OSError, match="Read-only"):
            (self.state / "probe").touch()
        yield
        inside = ["nsenter", f"--target={self.process.pid}", "--user", "--mount"]
        if Path("/proc/self/ns/user").readlink() == Path(f"/proc/{self.process.pid}/ns/user").readlink():
            inside.remove("--user")
        done = subprocess.run(
            [*inside, "mount", "-o", "remount,bind,rw", str(self.mounted)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
