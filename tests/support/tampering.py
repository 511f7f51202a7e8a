"""Evidence logs that somebody has changed, each way that an auditor would ask about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sidecar.evidence.segments import segments


def every_97th_byte(directory: Path) -> Iterator[int]:
    """One bit of the log after the other is another; of each the number of the record that it is in. All is whole at the end."""
    sequence = 0
    for path in segments(directory):
        whole = path.read_bytes()
        for place in range(0, len(whole), 97):
            changed = bytearray(whole)
            changed[place] ^= 1 << (place % 8)
            path.write_bytes(changed)
            yield sequence + whole[:place].count(b"\n") + 1
        path.write_bytes(whole)
        sequence += whole.count(b"\n")


def other_records(directory: Path, foreign: Path, at: int) -> Iterator[int]:
    """The first segment with record ``at`` (from 1) removed, exchanged for the next, doubled, and replaced by those of ``foreign``,
    a log under the same key; each time ``at``. It is whole at the end.
    """
    path = segments(directory)[0]
    whole, others = path.read_bytes(), segments(foreign)[0].read_bytes().splitlines(keepends=True)
    lines = whole.splitlines(keepends=True)
    before = lines[: at - 1]
    for changed in (
        before + lines[at:],
        [*before, lines[at], lines[at - 1], *lines[at + 1 :]],
        [*before, before[-1], *lines[at - 1 :]],
        before + others[at - 1 :],
        [*before, others[at - 1], *lines[at:]],
    ):
        path.write_bytes(b"".join(changed))
        yield at
    path.write_bytes(whole)
