from __future__ import annotations

import mmap
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.ring import HEADER_BYTES, Ring, RingReader, RingWriter

bounded = settings(max_examples=200, deadline=None)
payloads = st.lists(st.binary(max_size=1500), max_size=30)


def memory(data_bytes: int = HEADER_BYTES) -> bytearray:
    return bytearray(Ring.size_for(data_bytes))


@bounded
@given(st.lists(st.tuples(st.lists(st.binary(max_size=700), max_size=4), st.booleans()), max_size=40))
def test_what_was_accepted_is_read_whole_and_in_order(steps: list[tuple[list[bytes], bool]]) -> None:
    shared = memory()
    writer, reader = RingWriter(shared), RingReader(shared)
    accepted: list[bytes] = []
    read: list[bytes] = []
    for parts, then_read in steps:
        if writer.put(parts):
            accepted.append(b"".join(parts))
        if then_read:
            read += reader.read()
    read += reader.read()
    assert read == accepted
    assert (reader.written, reader.dropped) == (len(accepted), len(steps) - len(accepted))
    assert (reader.bad_crc, reader.lost, reader.used_bytes) == (0, 0, 0)


def test_a_full_ring_drops_the_new_and_keeps_the_old() -> None:
    shared = memory()
    writer, reader = RingWriter(shared), RingReader(shared)
    accepted = 0
    while writer.put([bytes([accepted]) * 500]):
        accepted += 1
    assert accepted == HEADER_BYTES // 528  # 16 bytes of head, 500 padded to 512
    assert not writer.put([b"x" * 500])
    assert writer.dropped == 2
    assert writer.fill_ratio > 0.8
    assert [payload[0] for payload in reader.read()] == list(range(accepted))
    assert writer.put([b"x" * 500])


def test_a_record_as_large_as_the_ring_passes_and_a_larger_one_does_not() -> None:
    shared = memory()
    writer, reader = RingWriter(shared), RingReader(shared)
    assert writer.put([b"first"])
    assert reader.read() == [b"first"]
    largest = bytes(range(256)) * 16
    assert not writer.put([largest])
    assert writer.put([largest[:-16]])
    assert writer.fill_ratio == 1.0
    assert reader.read() == [largest[:-16]]


def test_read_stops_at_its_limits_and_goes_on_from_there() -> None:
    shared = memory()
    writer, reader = RingWriter(shared), RingReader(shared)
    records = [bytes([n]) * 100 for n in range(10)]
    for record in records:
        writer.put([record])
    assert reader.read(max_records=3) == records[:3]
    assert reader.read(limit_bytes=150) == records[3:5]
    assert reader.read(limit_bytes=1) == records[5:6]
    assert reader.read() == records[6:]
    assert reader.read() == []


def test_each_written_record_wakes_and_a_failing_wake_is_ignored() -> None:
    calls = []

    def wake() -> None:
        calls.append(1)
        raise OSError

    writer = RingWriter(memory(), wake)
    assert writer.put([b"x"])
    assert not writer.put([b"x" * HEADER_BYTES])
    assert calls == [1]


def test_put_never_raises_even_when_its_memory_is_gone() -> None:
    writer = RingWriter(memory())
    writer.close()
    assert writer.put([b"x"]) is False


def test_memory_of_the_wrong_size_or_kind_is_refused() -> None:
    for wrong in (bytearray(HEADER_BYTES), bytearray(2 * HEADER_BYTES + 16), bytes(2 * HEADER_BYTES)):
        with pytest.raises(ValueError, match=r"size_for|read-only"):
            Ring(wrong)


def test_a_new_writer_and_a_new_reader_go_on_where_the_old_ones_stopped() -> None:
    shared = memory()
    read: list[bytes] = []
    for n in range(100):
        assert RingWriter(shared).put([b"%d" % n])
        if n % 3 == 0:
            read += RingReader(shared).read(max_records=2)
    read += RingReader(shared).read()
    assert read == [b"%d" % n for n in range(100)]
    assert Ring(shared).lost == 0


# Damage

RECORD = 16 + 112  # head and padded payload of the records below


def filled(count: int = 20) -> tuple[bytearray, list[bytes]]:
    """A ring that has wrapped, with ``count`` unread records of 100 bytes."""
    shared = memory()
    writer, reader = RingWriter(shared), RingReader(shared)
    for n in range(25):
        writer.put([bytes([200 + n]) * 100])
        reader.read()
    records = [bytes([n]) * 100 for n in range(count)]
    assert all(writer.put([record]) for record in records)
    return shared, records


@pytest.mark.parametrize("offset", [*range(0, 116, 3), 1, 2])
@pytest.mark.parametrize("which", [0, 7, 19])
def test_a_flipped_bit_costs_its_own_record_and_no_other(which: int, offset: int) -> None:
    shared, records = filled()
    at = HEADER_BYTES + ((25 + which) * RECORD + offset) % HEADER_BYTES
    shared[at] ^= 1 << (offset % 8)
    reader = RingReader(shared)
    writer = RingWriter(shared)
    read = reader.read()
    assert writer.put([b"after"])
    read += reader.read()
    assert read == [*records[:which], *records[which + 1 :], b"after"]
    assert (reader.bad_crc, reader.lost) == (1, 1)


@bounded
@given(st.data())
def test_no_damage_to_the_data_yields_a_record_that_was_not_written(data: st.DataObject) -> None:
    shared, records = filled()
    for _ in range(data.draw(st.integers(1, 12))):
        shared[data.draw(st.integers(HEADER_BYTES, len(shared) - 1))] = data.draw(st.integers(0, 255))
    reader = RingReader(shared)
    read = reader.read()
    assert set(read) <= set(records)
    assert read == sorted(read)


@bounded
@given(st.data())
def test_no_damage_to_the_header_page_stops_two_live_ends_for_good(data: st.DataObject) -> None:
    shared, records = filled()
    writer, reader = RingWriter(shared), RingReader(shared)
    for _ in range(data.draw(st.integers(1, 6))):
        shared[data.draw(st.integers(0, 79))] = data.draw(st.integers(0, 255))
    known = set(records)
    for n in range(60):
        record = b"later %d" % n
        known.add(record)
        writer.put([record])
        assert set(reader.read()) <= known
    assert writer.put([b"at last"])
    assert reader.read() == [b"at last"]


@bounded
@given(st.integers(0, 79), st.integers(0, 7))
def test_a_flipped_bit_in_the_header_page_does_not_stop_new_ends_for_good(at: int, bit: int) -> None:
    shared, records = filled()
    shared[at] ^= 1 << bit
    reader, writer = RingReader(shared), RingWriter(shared)
    read: list[bytes] = []
    for n in range(60):
        writer.put([b"later %d" % n])
        read += reader.read()
    earlier = {bytes([200 + n]) * 100 for n in range(25)}  # a tail set back may have one read again
    assert set(read) <= {*earlier, *records, *(b"later %d" % n for n in range(60))}
    assert read[-1] == b"later 59"


def test_records_of_an_earlier_lap_are_never_taken_for_new_ones() -> None:
    shared, _ = filled()
    reader, writer = RingReader(shared), RingWriter(shared)
    reader.read()
    head = int.from_bytes(shared[:8], "little")
    shared[:8] = (head + 5 * RECORD).to_bytes(8, "little")  # announces what was never written: the old lap's bytes
    assert reader.read() == []
    assert writer.put([b"new"]) is False  # the reader is ahead: nothing is written until it has come back
    reader.read()
    assert writer.put([b"new"])
    assert reader.read() == [b"new"]


# Death


def images_at_each_line(shared: bytearray, call: Callable[[], object]) -> list[bytearray]:
    """The memory as a death would leave it, before each line that ``call`` runs."""
    images = []

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        images.append(bytearray(shared))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return images


@pytest.mark.parametrize("already_there", [0, 3, 20])
def test_a_writer_that_dies_at_any_line_leaves_a_ring_that_both_successors_can_use(already_there: int) -> None:
    shared, records = filled(already_there)
    new = bytes(range(100))
    writer = RingWriter(shared)
    images = images_at_each_line(shared, lambda: writer.put([new[:40], new[40:]]))
    assert len(images) > 20
    for image in images:
        reader, successor = RingReader(image), RingWriter(image)
        assert successor.put([b"next"])
        read = reader.read()
        assert read in ([*records, b"next"], [*records, new, b"next"])
        assert reader.bad_crc == 0
        assert reader.lost <= 1


def test_a_reader_that_dies_at_any_line_leaves_a_ring_that_both_successors_can_use() -> None:
    shared, records = filled(5)
    reader = RingReader(shared)
    images = images_at_each_line(shared, lambda: reader.read(max_records=3))
    assert len(images) > 20
    for image in images:
        successor, writer = RingReader(image), RingWriter(image)
        assert writer.put([b"next"])
        assert successor.read() in ([*records, b"next"], [*records[3:], b"next"])
        assert successor.bad_crc == 0
        assert successor.lost <= 3


WRITER = """
import mmap, os, sys
from sidecar.gateway.ring import RingWriter
fd, size, seed = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
writer = RingWriter(mmap.mmap(fd, size))
os.write(1, b"r")
n = 0
while True:
    body = b"%d:%d:" % (seed, n)
    n += writer.put([body, bytes([n % 251]) * (n * 7919 % 60000)])
"""
READER = """
import mmap, os, sys
from sidecar.gateway.ring import RingReader
fd, size = int(sys.argv[1]), int(sys.argv[2])
reader = RingReader(mmap.mmap(fd, size))
os.write(1, b"r")
while True:
    reader.read(max_records=2)
"""


@pytest.fixture
def shared_memory() -> Iterator[tuple[int, mmap.mmap]]:
    fd = os.memfd_create("ring")
    size = Ring.size_for(256 << 10)
    os.ftruncate(fd, size)
    mapped = mmap.mmap(fd, size)
    yield fd, mapped
    mapped.close()
    os.close(fd)


def start(code: str, fd: int, *arguments: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, str(fd), *map(str, arguments)]
    process = subprocess.Popen(command, pass_fds=[fd], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(1) == b"r"
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def checked(payload: bytes) -> tuple[int, int]:
    """(writer, number) of a record, after a check of every byte of it."""
    seed, n, filling = payload.split(b":", 2)
    number = int(n)
    assert filling == bytes([number % 251]) * (number * 7919 % 60000)
    return int(seed), number


def test_a_writer_killed_anywhere_leaves_only_whole_records_and_its_successor_goes_on(
    shared_memory: tuple[int, mmap.mmap],
) -> None:
    fd, mapped = shared_memory
    reader = RingReader(mapped)
    rng = random.Random(20240611)
    read = 0
    for seed in range(25):
        process = start(WRITER, fd, len(mapped), seed)
        numbers: list[int] = []
        until = rng.randrange(1, 400)
        while len(numbers) < until:
            numbers += [checked(payload)[1] for payload in reader.read(max_records=5)]
        kill(process)
        rest = reader.read(max_records=10**6, limit_bytes=1 << 30)
        numbers += [checked(payload)[1] for payload in rest]
        assert numbers == list(range(len(numbers))), "a record is missing, doubled or out of order"
        assert all(checked(payload)[0] == seed for payload in rest)
        read += len(numbers)
    assert reader.bad_crc == 0
    assert reader.lost <= 25, "at most the record that each killed writer was at"
    assert read <= reader.written + 25
    reader.close()


def test_a_reader_killed_anywhere_leaves_a_ring_that_its_successor_reads(
    shared_memory: tuple[int, mmap.mmap],
) -> None:
    fd, mapped = shared_memory
    writer = RingWriter(mapped)
    rng = random.Random(7)
    n = 0
    for _ in range(15):
        process = start(READER, fd, len(mapped))
        until = n + rng.randrange(50, 800)
        while n < until:
            n += writer.put([b"0:%d:" % n, bytes([n % 251]) * (n * 7919 % 60000)])
        kill(process)
    last = RingReader(mapped)
    unread = [checked(payload)[1] for payload in last.read(max_records=10**6, limit_bytes=1 << 30)]
    assert unread == list(range(n - len(unread), n))
    assert last.bad_crc == 0
    assert writer.put([b"0:0:"])
    assert last.read() == [b"0:0:"]
    last.close()
    writer.close()
