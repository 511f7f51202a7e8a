"""A ring of records in shared memory: one process writes, another reads, either may die.

Rules of this file: nothing here waits, takes a lock or allocates more than the record at
hand. The writer drops what does not fit; it never overwrites what is unread.

Memory: one header page of uint64 cells, then the data. A fresh page of zeros is a valid
empty ring, so nobody has to prepare it. ``head`` and ``tail`` count bytes from the
beginning of time; ``position % data_bytes`` is where a byte stands.

    cell  0 head           next byte to write          the writer's
          1 tail           next byte to read           the reader's
          2 sequence       number of the next record   the writer's
          3 expected       number of the record after the last one read   the reader's
          4 written        records published           the writer's
          5 dropped        records that did not fit    the writer's
          6 bad_crc        damaged places passed over  the reader's
          7 lost           numbers that never came     the reader's
          8, 9             spare: heartbeats of the writer, of the reader

    record  length (uint32), CRC32 (uint32), sequence (uint64), payload, padding to 16 bytes

Why a death at any byte does no harm: a record counts only once ``head`` has moved past it,
and head is one aligned 8-byte store that comes after the payload. A number is taken before
its record is begun, so a writer killed in between leaves a gap in the numbers and the
reader counts the record as lost. The reader moves ``tail`` before ``expected``: if it is
killed in between, what it had taken counts as lost too, for it is.

Why damage does no harm: the CRC covers position, length, number and payload, so neither a
flipped bit nor a record of an earlier lap passes for a record. After a damaged one the
reader looks for the next place where a number between the expected and the writer's next
one stands with a right CRC. Each side keeps its own position and writes it anew at every
call, so damaged cells heal; a pair of positions that cannot be true empties the ring. A
reader that begins on a damaged tail may read a record again.

Stores become visible in the order they are made on x86-64. Where the machine may reorder
them (ARM), a record read too early fails its CRC and is counted, never handed out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any
from zlib import crc32

HEADER_BYTES = 4096

_HEAD, _TAIL, _SEQUENCE, _EXPECTED, _WRITTEN, _DROPPED, _BAD_CRC, _LOST = range(8)
_RECORD = Struct("<IIQ")
_CHECKED = Struct("<QQI")  # what the CRC covers before the payload: position, sequence, length
_ALIGN = _RECORD.size
_MASK = (1 << 64) - 1
_JOINED_BYTES = 1 << 16
"""Up to here one copy more costs less than a store for every part."""


class Ring:
    """What both ends share. ``memory`` is a writable buffer (bytearray, mmap) of ``size_for`` bytes."""

    def __init__(self, memory: Any) -> None:
        self._memory = memoryview(memory).cast("B")
        self._cells = self._memory[:HEADER_BYTES].cast("Q")
        self._data = self._memory[HEADER_BYTES:]
        self.data_bytes = len(self._data)
        if self.data_bytes < HEADER_BYTES or self.data_bytes % HEADER_BYTES or self._memory.readonly:
            msg = f"need writable memory of Ring.size_for() bytes, got {len(self._memory)}"
            raise ValueError(msg)

    @staticmethod
    def size_for(data_bytes: int) -> int:
        """Bytes of memory for a ring that holds ``data_bytes``, rounded up to whole pages; at least one."""
        return HEADER_BYTES * (1 + max(1, -(-data_bytes // HEADER_BYTES)))

    @property
    def written(self) -> int:
        """Records published since the memory was new."""
        return self._cells[_WRITTEN]

    @property
    def dropped(self) -> int:
        """Records that did not fit."""
        return self._cells[_DROPPED]

    @property
    def bad_crc(self) -> int:
        """Damaged places the reader passed over."""
        return self._cells[_BAD_CRC]

    @property
    def lost(self) -> int:
        """Records begun but never read: damaged ones, and those a killed process took along."""
        return self._cells[_LOST]

    @property
    def used_bytes(self) -> int:
        """Bytes written and not read, record heads and padding included."""
        return min(self.data_bytes, max(0, self._cells[_HEAD] - self._cells[_TAIL]))

    @property
    def fill_ratio(self) -> float:
        """``used_bytes`` as a share of the ring, in [0, 1]."""
        ratio = (self._cells[_HEAD] - self._cells[_TAIL]) / self.data_bytes
        return ratio if 0.0 <= ratio <= 1.0 else float(ratio > 1.0)

    def close(self) -> None:
        """Lets go of the memory, so that a mmap can be closed. No other call may follow."""
        for view in (self._cells, self._data, self._memory):
            view.release()

    def _count(self, cell: int, more: int = 1) -> None:
        self._cells[cell] = (self._cells[cell] + more) & _MASK

    def _in_step(self, head: int, tail: int) -> bool:
        return 0 <= head - tail <= self.data_bytes and head % _ALIGN == 0 and tail % _ALIGN == 0


class RingWriter(Ring):
    """The only writer. A new one goes on where the last one stopped.

    ``wake`` is called after each record that was written; what it raises is ignored.
    """

    def __init__(self, memory: Any, wake: Callable[[], None] | None = None) -> None:
        super().__init__(memory)
        self._wake = wake
        self._head = self._cells[_HEAD]
        if not self._in_step(self._head, self._cells[_TAIL]):
            self._head = self._cells[_TAIL] // _ALIGN * _ALIGN
        self._sequence = self._cells[_SEQUENCE]

    def put(self, parts: Sequence[bytes]) -> bool:
        """Writes one record, the concatenation of ``parts``. Never raises, never waits.

        False where it does not fit (counted in ``dropped``) or the memory is gone.
        """
        try:
            length = sum(map(len, parts))
            size = _record_bytes(length)
            cells = self._cells
            tail = cells[_TAIL]
            if not 0 <= self._head - tail <= self.data_bytes - size or tail % _ALIGN:
                cells[_HEAD] = self._head
                self._count(_DROPPED)
                return False
            self._publish((b"".join(parts),) if length <= _JOINED_BYTES else parts, length, size)
        except Exception:  # noqa: BLE001 - the copy may fail in any way, the relay may not notice
            return False
        if self._wake is not None:
            try:  # noqa: SIM105 - a context manager costs as much as the rest of this call
                self._wake()
            except Exception:  # noqa: BLE001, S110 - the record is there all the same
                pass
        return True

    def _publish(self, parts: Sequence[bytes], length: int, size: int) -> None:
        cells, data, data_bytes = self._cells, self._data, self.data_bytes
        head, sequence = self._head, self._sequence
        self._sequence = cells[_SEQUENCE] = (sequence + 1) & _MASK
        crc = crc32(_CHECKED.pack(head, sequence, length))
        at = head + _ALIGN
        for part in parts:
            crc = crc32(part, crc)
            start = at % data_bytes
            end = start + len(part)
            if end <= data_bytes:
                data[start:end] = part
            else:
                self._store_around(start, part)
            at += len(part)
        _RECORD.pack_into(data, head % data_bytes, length, crc, sequence)
        self._head = cells[_HEAD] = head + size
        cells[_WRITTEN] = (cells[_WRITTEN] + 1) & _MASK

    def _store_around(self, start: int, part: bytes) -> None:
        room = self.data_bytes - start
        view = memoryview(part)
        self._data[start:] = view[:room]
        self._data[: len(part) - room] = view[room:]


class RingReader(Ring):
    """The only reader. A new one goes on where the last one stopped."""

    def __init__(self, memory: Any) -> None:
        super().__init__(memory)
        self._tail = self._cells[_TAIL]
        self._expected = self._cells[_EXPECTED]

    def read(self, max_records: int = 256, limit_bytes: int = 8 << 20) -> list[bytes]:
        """Takes the oldest payloads out, oldest first: at most ``max_records``, and no more
        once ``limit_bytes`` are reached (one record may pass the limit). Empty: nothing there.
        """
        head = self._cells[_HEAD]
        if not self._in_step(head, self._tail):
            self._count(_BAD_CRC)
            self._tail = head // _ALIGN * _ALIGN
        payloads: list[bytes] = []
        size = 0
        while self._tail < head and len(payloads) < max_records and size < limit_bytes:
            payload = self._record_at(self._tail, head)
            if payload is None:
                self._count(_BAD_CRC)
                self._tail = self._next_whole_record(head)
                continue
            payloads.append(payload)
            size += len(payload)
            self._tail += _record_bytes(len(payload))
        self._cells[_TAIL] = self._tail
        self._cells[_EXPECTED] = self._expected
        return payloads

    def _record_at(self, position: int, head: int) -> bytes | None:
        length, crc, sequence = _RECORD.unpack_from(self._data, position % self.data_bytes)
        if length > head - position - _ALIGN:
            return None
        payload = self._load(position + _ALIGN, length)
        if crc32(payload, crc32(_CHECKED.pack(position, sequence, length))) != crc:
            return None
        # A lower number comes from a writer whose cell was damaged: it is the new truth.
        self._count(_LOST, max(0, sequence - self._expected))
        self._expected = (sequence + 1) & _MASK
        return payload

    def _next_whole_record(self, head: int) -> int:
        """Position of the first whole record after the damaged one at ``tail``; ``head`` if there is none."""
        next_sequence = self._cells[_SEQUENCE]
        area = self._load(self._tail + _ALIGN, head - self._tail - _ALIGN)
        position = self._tail + _ALIGN
        for length, crc, sequence in _RECORD.iter_unpack(area[: len(area) // _ALIGN * _ALIGN]):
            if self._expected < sequence < next_sequence and length <= head - position - _ALIGN:
                start = position - self._tail
                checked = crc32(_CHECKED.pack(position, sequence, length))
                if crc32(memoryview(area)[start : start + length], checked) == crc:
                    return position
            position += _ALIGN
        return head

    def _load(self, position: int, length: int) -> bytes:
        start = position % self.data_bytes
        end = start + length
        if end <= self.data_bytes:
            return bytes(self._data[start:end])
        return bytes(self._data[start:]) + bytes(self._data[: end - self.data_bytes])


def _record_bytes(length: int) -> int:
    return _ALIGN + -(-length // _ALIGN) * _ALIGN
