"""Sockets are bound once, here, and inherited: a restarted worker loses no queued connection."""

from __future__ import annotations

import contextlib
import socket
import stat
from pathlib import Path

BACKLOG = 4096


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


def shown(listener: socket.socket) -> str:
    """The bound address as an operator writes it, with the real port where 0 was asked."""
    name = listener.getsockname()
    if listener.family == socket.AF_UNIX:
        return f"unix:{name}"
    host = f"[{name[0]}]" if listener.family == socket.AF_INET6 else name[0]
    return f"{host}:{name[1]}"
