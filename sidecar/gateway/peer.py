"""Has the client left, or has it only finished sending?

Both look alike to TCP: a FIN. A client that left must not keep a GPU busy; one that half-closed
its connection (``shutdown(SHUT_WR)``) waits for the answer. A sidecar's clients mostly run on the
same host, and there the kernel knows: Linux says over netlink (sock_diag(7)) whether the socket
at the other end still belongs to a process. A client elsewhere is taken to have left, as nginx
does: an answer that nobody waits for costs more than a half-closed connection that fails.
"""

from __future__ import annotations

import select
import socket
import struct

_SOCK_DIAG = 4  # NETLINK_SOCK_DIAG
_BY_FAMILY = 20  # SOCK_DIAG_BY_FAMILY
_REQUEST = 1  # NLM_F_REQUEST
_ANY_COOKIE = 0xFFFFFFFF
_NLMSGHDR = struct.Struct("=IHHII")
_DIAG_REQUEST = struct.Struct("=BBBxI")
_DIAG_ID_TAIL = struct.Struct("=III")
_INODE_AT = 16 + 68  # nlmsghdr, then idiag_inode, the last field of struct inet_diag_msg


def still_waits(connection: socket.socket) -> bool:
    """Whether the peer, whose FIN has been read, still holds its end open. Never blocks or raises."""
    try:
        if connection.family == socket.AF_UNIX:
            return not _hung_up(connection)
        return bool(_peer_inode(connection))
    except (OSError, struct.error):
        return False


def orphaned(connection: socket.socket) -> bool:
    """Whether the peer's end is on this host and no process holds it any more. Never blocks or raises.

    A closed TCP socket sends what was written to it before its FIN, so behind a window that
    back-pressure has closed the FIN does not come. False for a unix socket, which tells at once.
    """
    try:
        return connection.family != socket.AF_UNIX and _peer_inode(connection) == 0
    except (OSError, struct.error):
        return False


def _hung_up(connection: socket.socket) -> bool:
    """A unix socket reports POLLHUP once its peer has closed, and not for a shutdown of one direction."""
    poll = select.poll()
    poll.register(connection.fileno(), 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))


def _peer_inode(connection: socket.socket) -> int | None:
    """Inode of the socket at the other end; 0 if no process holds it, None if it is not on this host."""
    family = connection.family
    ours, theirs = connection.getsockname(), connection.getpeername()
    addresses = [socket.inet_pton(family, end[0]).ljust(16, b"\0") for end in (theirs, ours)]
    question = (
        _DIAG_REQUEST.pack(family, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
        + struct.pack("!HH", theirs[1], ours[1])
        + b"".join(addresses)
        + _DIAG_ID_TAIL.pack(0, _ANY_COOKIE, _ANY_COOKIE)
    )
    header = _NLMSGHDR.pack(_NLMSGHDR.size + len(question), _BY_FAMILY, _REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, _SOCK_DIAG) as netlink:
        netlink.sendto(header + question, (0, 0))  # the kernel has answered when this returns
        reply = netlink.recv(4096)
    if _NLMSGHDR.unpack_from(reply)[1] != _BY_FAMILY:
        return None
    inode: int = struct.unpack_from("=I", reply, _INODE_AT)[0]
    return inode
