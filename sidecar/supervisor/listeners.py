"""Sockets are bound once, here, and inherited: a restarted worker loses no queued connection.

A service manager may have bound them already (socket activation, ``sd_listen_fds(3)``): then its
sockets are used, and connections wait in them even while Kilter itself is being restarted.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from collections.abc import Mapping
from pathlib import Path

BACKLOG = 4096
FIRST_PASSED_FD = 3
PASSED = ("traffic", "admin")


class BindError(Exception):
    """``str()`` names the address and the reason."""


def bind(address: str) -> socket.socket:
    """A listening socket on ``host:port``, ``[ipv6]:port`` or ``unix:/path``. BindError when taken or refused."""
    try:
        listener = _bind_unix(address.removeprefix("unix:")) if address.startswith("unix:") else _bind_tcp(address)
    except OSError as error:
        raise BindError(f"{address}: cannot listen: {error.strerror or error}") from None
    listener.setblocking(False)
    return listener


def _bind_tcp(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family, _, _, _, where = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(where)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _bind_unix(path: str) -> socket.socket:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISSOCK(Path(path).stat().st_mode) and not _answers(path):
            Path(path).unlink()  # left behind by a process that was killed
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.bind(path)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _answers(path: str) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(path) == 0


def passed_on(environ: Mapping[str, str], pid: int, first_fd: int = FIRST_PASSED_FD) -> dict[str, socket.socket]:
    """The listening sockets that a service manager handed to process ``pid``, by name: ``traffic``, ``admin`` or both.

    Without names (LISTEN_FDNAMES) the first is the traffic's and the second the admin's. Empty where nothing was
    handed over, or to another process. BindError when they are not what is needed.
    """
    if environ.get("LISTEN_PID") != str(pid):
        return {}
    count = environ.get("LISTEN_FDS", "")
    if not count.isdecimal() or not 1 <= int(count) <= len(PASSED):
        raise BindError("LISTEN_FDS: need 1 or 2 sockets, for traffic and admin")
    numbers = range(first_fd, first_fd + int(count))
    named = environ.get("LISTEN_FDNAMES", "")
    names = named.split(":") if named else list(PASSED[: len(numbers)])
    if len(names) != len(numbers) or len(set(names)) < len(names) or not set(names) <= set(PASSED):
        raise BindError("LISTEN_FDNAMES: need FileDescriptorName=traffic in one socket unit, admin in the other")
    return {name: _passed(name, number) for name, number in zip(names, numbers, strict=True)}


def _passed(name: str, number: int) -> socket.socket:
    try:
        os.set_inheritable(number, False)
        listener = socket.socket(fileno=number)
        if listener.type == socket.SOCK_STREAM and listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            listener.setblocking(False)
            return listener
        listener.detach()  # not ours to close
    except OSError:
        pass
    raise BindError(f"LISTEN_FDS: {name}: descriptor {number} is no listening stream socket (Accept=no, ListenStream=)")


def shown(listener: socket.socket) -> str:
    """The bound address as an operator writes it, with the real port where 0 was asked."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"
