"""Whether an evidence log is as it was written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sidecar.evidence import chain
from sidecar.evidence.chain import BrokenError, Head, TornError
from sidecar.evidence.payloads import Payloads
from sidecar.evidence.segments import kept, origin

EVERY = 10_000


@dataclass(slots=True)
class Verdict:
    """``broken`` is None for a consistent log, else what is wrong with the first bad record.

    ``unaltered_through`` is the record up to which a head from outside vouches, 0 without one.
    ``erased`` counts payloads that an ``erasure`` or ``retention`` explains; ``missing`` those that nothing does.
    ``torn_bytes``: of a line behind the last record, that is being written or that a crash cut short; none of it is vouched for.
    """

    first_seq: int = 0
    first_at: str = ""
    head: Head = field(default_factory=Head)
    last_at: str = ""
    records: int = 0
    broken: str | None = None
    broken_seq: int = 0
    unaltered_through: int = 0
    unaltered_until: str = ""
    erased: int = 0
    missing: list[int] = field(default_factory=list)
    torn_bytes: int = 0


def records(directory: Path, key: bytes) -> Iterator[tuple[Head, dict[str, Any], str]]:
    """Every kept record with its head and place, oldest first. BrokenError at the first that does not follow, TornError
    where that is the begun line at the end of the log.
    """
    head = origin(directory)
    paths = list(kept(directory, head))
    for path in paths:
        with path.open("rb") as file:
            for number, text in enumerate(file, start=1):
                place = f"{path.name}:{number}"
                try:
                    head, content = chain.follow(key, head, text)
                except BrokenError as error:
                    if path == paths[-1] and chain.torn(key, head, text):
                        raise TornError(len(text)) from None
                    raise BrokenError(f"{place}: {error}") from None
                yield head, content, place


class _Reader:
    """What the records say of each other and of what lies beside them."""

    def __init__(self, directory: Path, outside: Head | None) -> None:
        self.found = Verdict()
        self.retained = False
        self.vouched = outside is None
        self.unexplained: set[int] = set()
        self._payloads = Payloads(directory)
        self._outside = outside

    def begin(self, head: Head) -> None:
        self.found.head = head
        self.vouched = self.vouched or self._outside == head
        self.retained = not head.seq

    def take(self, head: Head, content: dict[str, Any], begin: Head) -> None:
        """The next record. BrokenError where something that it vouches for is not so."""
        found, data = self.found, content["data"]
        if "payload" in content:
            state = self._payloads.check(head.seq, content["payload"])
            if state == "altered":
                raise BrokenError("the payload beside it was altered")
            if state == "missing":
                self.unexplained.add(head.seq)
        if content["kind"] == "erasure":
            found.erased += len(self.unexplained & set(data["records"]))
            self.unexplained -= set(data["records"])
        if content["kind"] == "retention" and data["through"] == str(begin):
            self.retained = True
        if self._outside is not None and head.seq == self._outside.seq:
            if head != self._outside:
                raise BrokenError("not the record that the given head was taken of")
            self.vouched, found.unaltered_through, found.unaltered_until = True, head.seq, content["at"]
        if not found.records:
            found.first_seq, found.first_at = head.seq, content["at"]
        found.head, found.last_at = head, content["at"]
        found.records += 1


def verify(
    directory: Path,
    key: bytes,
    outside: Head | None = None,
    progress: Callable[[int], None] | None = None,
    seen: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Verdict:
    """Reads the whole log. ``outside`` is a head that was kept elsewhere; ``progress`` is given the records read, ``seen``
    every record that holds, in order.
    """
    reader = _Reader(directory, outside)
    found = reader.found
    place = ""
    try:
        begin = origin(directory)
        reader.begin(begin)
        for head, content, at in records(directory, key):
            place = f"{at}: "
            reader.take(head, content, begin)
            seen(content)
            place = ""
            if progress is not None and found.records % EVERY == 0:
                progress(found.records)
    except TornError as error:
        found.torn_bytes = error.size
    except BrokenError as error:
        found.broken, found.broken_seq = f"{place}{error}", found.head.seq + 1
        return found
    found.missing = sorted(reader.unexplained)
    if not reader.retained:
        found.broken, found.broken_seq = f"begins at record {begin.seq + 1}, and no retention record explains why", 1
    elif outside is not None and not reader.vouched:
        found.broken = f"ends at record {found.head.seq}; the given head is of record {outside.seq}: the end is gone"
        found.broken_seq = found.head.seq + 1
    return found
