"""A Kilter started as a service manager would start it: with its sockets at hand (``sd_listen_fds(3)``)."""

from __future__ import annotations

import socket
import sys

from running import RunningKilter

START = """
import fcntl, os, sys
at = int(sys.argv[1]) + 2
copies = [fcntl.fcntl(int(number), fcntl.F_DUPFD_CLOEXEC, 100) for number in sys.argv[2:at]]
for to, copy in enumerate(copies, 3):
    os.dup2(copy, to)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.argv[at], sys.argv[at:])
"""
"""``NUMBER_OF_SOCKETS DESCRIPTOR… PROGRAM ARGUMENT…``"""


def listening(address="127.0.0.1"):
    listener = socket.create_server((address, 0), backlog=512)
    listener.set_inheritable(True)
    return listener


class ActivatedKilter(RunningKilter):
    """``sockets``: name → listening socket, which stays the caller's."""

    def __init__(self, sockets, *arguments, **options):
        super().__init__(*arguments, **options)
        self.env |= {"LISTEN_FDS": str(len(sockets)), "LISTEN_FDNAMES": ":".join(sockets)}
        numbers = [str(listener.fileno()) for listener in sockets.values()]
        self.pass_fds = tuple(map(int, numbers))
        self.argv = [sys.executable, "-c", START, str(len(numbers)), *numbers, *self.argv]
