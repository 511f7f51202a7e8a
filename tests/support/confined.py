"""``python confined.py UNIT PROGRAM ARGUMENT…``: a program under the system-call part of a unit's hardening.

Where systemd is not process 1 it cannot start the unit. This applies, by the unit's own lines, what a
process can do to itself: no capabilities, no new privileges, no memory that is written and executed, the
system calls and address families that are named. File system and namespaces are left as they are.
"""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE, PR_GET_MDWE = 24, 38, 65, 66
LAST_CAPABILITY = 40
ALLOW, ERRNO = 0x7FFF0000, 0x00050000
EQUAL = 4


class Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("other", ctypes.c_uint64),
    )


def lines(unit):
    """(key, value) of each line, in order."""
    text = Path(unit).read_text("utf-8").splitlines()
    return [tuple(line.strip().split("=", 1)) for line in text if "=" in line and line[0] not in "#;["]


def calls(name):
    """The system calls of a set such as ``@system-service``, or the call itself."""
    if not name.startswith("@"):
        return {name}
    told = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name], capture_output=True, text=True, check=True
    ).stdout
    members = [line.strip() for line in told.splitlines()[1:]]
    return set().union(*(calls(member) for member in members if member and not member.startswith("#")))


def allowed(unit):
    """What the unit's SystemCallFilter lines leave, the last word counting."""
    left = set()
    for key, value in lines(unit):
        if key == "SystemCallFilter":
            named = set().union(*(calls(name) for name in value.lstrip("~").split()))
            left = left - named if value.startswith("~") else left | named
    return left


def kernel_can():
    """Whether this kernel can deny memory that is written and executed to a process of its own accord: 6.3 and later."""
    return ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) >= 0


def confine(unit):
    libc, seccomp = ctypes.CDLL(None, use_errno=True), ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    told, names = dict(lines(unit)), allowed(unit)

    def done(result):
        assert result >= 0, os.strerror(ctypes.get_errno())

    assert (told["CapabilityBoundingSet"], told["NoNewPrivileges"], told["MemoryDenyWriteExecute"]) == (
        "",
        "yes",
        "yes",
    )
    for capability in range(LAST_CAPABILITY + 1):
        if os.geteuid() == 0:
            done(libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0))
    done(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    filtering = ctypes.c_void_p(seccomp.seccomp_init(ERRNO | errno.EPERM))
    for name in names:
        number = seccomp.seccomp_syscall_resolve_name(name.encode())
        if name == "socket":
            for family in told["RestrictAddressFamilies"].split():
                only = Comparison(0, EQUAL, getattr(socket, family), 0)
                assert seccomp.seccomp_rule_add(filtering, ALLOW, number, 1, only) == 0
        elif number >= 0:
            seccomp.seccomp_rule_add(filtering, ALLOW, number, 0)
    assert seccomp.seccomp_load(filtering) == 0
    done(libc.prctl(PR_SET_MDWE, 1, 0, 0, 0))


if __name__ == "__main__":
    confine(sys.argv[1])
    os.execv(sys.argv[2], sys.argv[2:])
