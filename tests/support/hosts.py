"""Network namespaces as hosts: each has its own addresses and ports, and reaches only whom it is linked with.

A thread that has moved into a host makes its sockets there; a program is started there with ``ip netns exec``.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from pathlib import Path

import pytest
from real import missing, program

CLONE_NEWNET = 0x40000000
NEEDED = {12: "CAP_NET_ADMIN", 21: "CAP_SYS_ADMIN"}


def rights():
    """The capabilities that are lacking, by name."""
    status = Path("/proc/self/status").read_text("ascii")
    effective = int(status.split("CapEff:")[1].split()[0], 16)
    return [name for bit, name in NEEDED.items() if not effective >> bit & 1]


class Hosts:
    """``with Hosts("client", "kilter", "server") as hosts``; ``hosts.link("client", "10.77.1.1", "kilter", "10.77.1.2")``."""

    def __init__(self, *names):
        self.names = {name: f"kt{os.getpid()}-{name}" for name in names}

    def __enter__(self):
        if lacking := rights():
            pytest.skip(f"hosts of their own need {' and '.join(lacking)}")
        try:
            for full in self.names.values():
                self._ip("netns", "add", full)
            for name in self.names:
                self._ip("link", "set", "lo", "up", on=name)
        except subprocess.CalledProcessError as error:
            self.__exit__()
            missing(f"network namespaces cannot be made: {error.stderr.strip()}")
        return self

    def __exit__(self, *_):
        for full in self.names.values():
            subprocess.run([program("ip"), "netns", "del", full], capture_output=True, check=False)

    def _ip(self, *arguments, on=None):
        where = ["-n", self.names[on]] if on else []
        subprocess.run([program("ip"), *where, *arguments], check=True, capture_output=True, text=True)

    def link(self, one, address, other, other_address):
        """A cable between two hosts, a network of its own."""
        ends = [f"kt{os.getpid() % 100000}{letter}{address.split('.')[2]}" for letter in "ab"]
        self._ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for name, end, at in ((one, ends[0], address), (other, ends[1], other_address)):
            self._ip("link", "set", end, "netns", self.names[name])
            self._ip("addr", "add", f"{at}/24", "dev", end, on=name)
            self._ip("link", "set", end, "up", on=name)

    def command(self, name, *arguments):
        """A program on this host."""
        return [program("ip"), "netns", "exec", self.names[name], *arguments]

    def move(self, name):
        """Moves the calling thread to this host: its sockets from now on are made there. It never moves back."""
        assert threading.current_thread() is not threading.main_thread()
        with Path(f"/run/netns/{self.names[name]}").open("rb") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
