"""How a parent hands a child its files: numbered descriptors and one private document.

The document (settings, keys) travels in a memfd, not in the command line or environment,
where other users of the machine could read it. A lifeline, the read end of a pipe whose
other end only the supervisor holds, tells a child that the supervisor is gone.
"""

from __future__ import annotations

import json
import mmap
import os
import socket
from typing import Any


def memory(name: str, size_bytes: int) -> int:
    """A new anonymous file of zeros in memory; the descriptor."""
    fd = os.memfd_create(name, os.MFD_CLOEXEC)
    os.ftruncate(fd, size_bytes)
    return fd


def mapped(fd: int) -> memoryview:
    """Writable bytes of a memory file, shared with every process that maps it."""
    return memoryview(mmap.mmap(fd, os.fstat(fd).st_size))


def document(content: dict[str, Any]) -> int:
    """A descriptor from which ``read_document`` gets ``content`` once."""
    data = json.dumps(content).encode()
    fd = memory("kilter-document", len(data))
    os.pwrite(fd, data, 0)
    return fd


def read_document(fd: int) -> dict[str, Any]:
    """Reads, wipes and closes a document: the parent's copy of the descriptor sees zeros."""
    size = os.fstat(fd).st_size
    content: dict[str, Any] = json.loads(os.pread(fd, size, 0))
    os.pwrite(fd, bytes(size), 0)
    os.close(fd)
    return content


def inherited_socket(fd: int) -> socket.socket:
    """The listening socket behind an inherited descriptor."""
    listener = socket.socket(fileno=fd)
    listener.setblocking(False)
    return listener
