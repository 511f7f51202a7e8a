from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tampering import every_97th_byte, other_records

from sidecar.evidence import retention
from sidecar.evidence.chain import Head
from sidecar.evidence.log import EvidenceLog, LogInUseError
from sidecar.evidence.segments import segments
from sidecar.evidence.verify import records, verify

KEY = b"k" * 32
DAY = 86400.0
NOON = 1_699_963_200.0


def written(directory: Path, count: int = 40, at_s: float = NOON, days: int = 0) -> Head:
    log = EvidenceLog(directory, KEY, at_s)
    log.append("start", {"version": "1"}, at_s)
    for number in range(count):
        log.append("verdict", {"stratum": "tr", "k": number}, at_s + number * days * DAY / count)
    log.close(at_s + days * DAY)
    return log.head


def kinds(directory: Path) -> list[str]:
    return [content["kind"] for _, content, _ in records(directory, KEY)]


def test_a_log_verifies_and_says_what_it_holds(tmp_path: Path) -> None:
    head = written(tmp_path / "e", days=3)
    assert len(segments(tmp_path / "e")) == 4
    found = verify(tmp_path / "e", KEY)
    assert (found.broken, found.records, found.first_seq, found.head) == (None, 42, 1, head)
    assert found.unaltered_through == 0
    assert verify(tmp_path / "e", KEY, head).unaltered_through == 42


def test_every_97th_byte_flipped_is_found_and_its_record_named(tmp_path: Path) -> None:
    written(tmp_path / "e", days=3)
    for sequence in every_97th_byte(tmp_path / "e"):
        assert verify(tmp_path / "e", KEY).broken_seq == sequence
    assert verify(tmp_path / "e", KEY).broken is None


def test_deleted_reordered_doubled_and_spliced_records_are_named(tmp_path: Path) -> None:
    written(tmp_path / "e")
    written(tmp_path / "other", at_s=NOON + 1)
    for sequence in other_records(tmp_path / "e", tmp_path / "other", 10):
        assert verify(tmp_path / "e", KEY).broken_seq == sequence
    assert verify(tmp_path / "e", KEY).broken is None


def test_a_truncated_end_shows_against_a_head_from_outside_and_only_so(tmp_path: Path) -> None:
    head = written(tmp_path / "e")
    path = segments(tmp_path / "e")[-1]
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert verify(tmp_path / "e", KEY).broken is None
    found = verify(tmp_path / "e", KEY, head)
    assert found.broken is not None
    assert "the end is gone" in found.broken


def test_a_removed_first_segment_is_found(tmp_path: Path) -> None:
    written(tmp_path / "e", days=3)
    segments(tmp_path / "e")[0].unlink()
    assert verify(tmp_path / "e", KEY).broken is not None


def test_a_log_has_one_writer(tmp_path: Path) -> None:
    log = EvidenceLog(tmp_path / "e", KEY, NOON)
    with pytest.raises(LogInUseError):
        EvidenceLog(tmp_path / "e", KEY, NOON)
    log.close(NOON)
    EvidenceLog(tmp_path / "e", KEY, NOON).close(NOON)


def test_a_torn_last_line_is_cut_off_and_said(tmp_path: Path) -> None:
    written(tmp_path / "e")
    path = segments(tmp_path / "e")[-1]
    whole = path.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    for cut in (1, len(last) // 2, len(last) - 1):
        path.write_bytes(whole[: len(whole) - cut])
        log = EvidenceLog(tmp_path / "e", KEY, NOON + DAY)
        assert log.consistent
        log.close(NOON + DAY)
        assert kinds(tmp_path / "e")[-3:] == ["torn", "gap", "stop"]
        assert verify(tmp_path / "e", KEY).broken is None
        for extra in segments(tmp_path / "e"):
            if extra != path:
                extra.unlink()


def test_a_log_that_ends_within_a_line_is_consistent_up_to_there_wherever_it_is_cut_and_nothing_else_passes_for_that(
    tmp_path: Path,
) -> None:
    written(tmp_path / "e", days=2)
    first, *_, path = segments(tmp_path / "e")
    whole = path.read_bytes()
    begin = whole.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(begin + 1, len(whole)):
        path.write_bytes(whole[:end])
        found = verify(tmp_path / "e", KEY)
        assert (found.broken, found.head.seq, found.torn_bytes) == (None, 41, end - begin)
    path.write_bytes(whole[:begin])
    assert verify(tmp_path / "e", KEY).torn_bytes == 0
    path.write_bytes(whole[:-1] + b"x")
    assert verify(tmp_path / "e", KEY).broken_seq == 42
    path.write_bytes(whole)
    first.write_bytes(first.read_bytes()[:-9])
    assert "cut short" in (verify(tmp_path / "e", KEY).broken or "")


def test_a_start_after_an_unrecorded_stop_is_a_gap_with_its_times(tmp_path: Path) -> None:
    log = EvidenceLog(tmp_path / "e", KEY, NOON)
    log.append("start", {}, NOON)
    os.close(log._lock)  # what a kill does
    EvidenceLog(tmp_path / "e", KEY, NOON + 60).close(NOON + 60)
    (gap,) = [content for _, content, _ in records(tmp_path / "e", KEY) if content["kind"] == "gap"]
    assert gap["data"] == {"lost": 0, "reason": "stopped_unrecorded", "since_s": NOON, "until_s": NOON + 60}


def test_an_altered_log_goes_on_and_says_that_it_is_not_consistent(tmp_path: Path) -> None:
    written(tmp_path / "e")
    path = segments(tmp_path / "e")[-1]
    path.write_bytes(path.read_bytes().replace(b'"stop"', b'"halt"'))
    log = EvidenceLog(tmp_path / "e", KEY, NOON + DAY)
    assert not log.consistent
    assert log.append("start", {}, NOON + DAY) is not None
    log.close(NOON + DAY)
    assert verify(tmp_path / "e", KEY).broken_seq == 42


def test_a_clock_that_goes_back_is_a_record_and_breaks_nothing(tmp_path: Path) -> None:
    log = EvidenceLog(tmp_path / "e", KEY, NOON)
    log.append("start", {}, NOON)
    log.append("verdict", {}, NOON - 3 * DAY)
    log.close(NOON)
    assert kinds(tmp_path / "e") == ["start", "clock", "verdict", "stop"]
    assert len(segments(tmp_path / "e")) == 1


def test_what_cannot_be_written_is_counted_and_the_gap_stands_in_the_log(tmp_path: Path) -> None:
    directory = tmp_path / "e"
    log = EvidenceLog(directory, KEY, NOON)
    log.append("start", {}, NOON)
    directory.rename(tmp_path / "away")
    assert log.append("verdict", {"k": 1}, NOON + 1) is None
    assert log.append("verdict", {"k": 2}, NOON + 2) is None
    (tmp_path / "away").rename(directory)
    assert log.append("verdict", {"k": 3}, NOON + 3) is not None
    assert log.lost == 2
    log.close(NOON + 4)
    assert kinds(directory) == ["start", "gap", "verdict", "stop"]
    (gap,) = [content["data"] for _, content, _ in records(directory, KEY) if content["kind"] == "gap"]
    assert gap == {"lost": 2, "reason": "not_writable", "since_s": NOON + 1, "until_s": NOON + 3}


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from sidecar.evidence.log import EvidenceLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
log = EvidenceLog(Path(sys.argv[1]), b"k" * 32, 1e9)
for number in range(50):
    log.append("verdict", {"k": number}, 1e9 + number)
print(log.lost)
"""


def test_a_full_disk_leaves_a_chain_that_verifies(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path / "e")], capture_output=True, text=True, check=True, timeout=30
    )
    lost = int(done.stdout)
    assert 0 < lost < 50
    found = verify(tmp_path / "e", KEY)
    assert (found.broken, found.records) == (None, 50 - lost)


WRITER = """
import itertools, sys, time
from pathlib import Path
from sidecar.evidence.log import EvidenceLog
log = EvidenceLog(Path(sys.argv[1]), b"k" * 32, time.time())
for number in itertools.count():
    head = log.append("verdict", {"k": number, "pad": "x" * 3000}, time.time(), {"text": "t"} if number % 5 == 0 else None)
    print(head.seq, flush=True)
"""


def killed_at_random(directory: Path, times: int, seed: int) -> int:
    """Kills a writer so many times; the largest number of records lost at one kill."""
    moments, worst = random.Random(seed), 0
    for _ in range(times):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(directory)], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        said = writer.stdout.readline()
        time.sleep(moments.random() * 0.02)
        writer.send_signal(signal.SIGKILL)
        said = [said, *writer.stdout.read().splitlines()][-1]
        writer.stdout.close()
        writer.wait()
        found = verify(directory, KEY)
        whole = found.head.seq
        assert whole >= int(said)
        assert found.broken is None
        worst = max(worst, int(found.torn_bytes > 0))
    return worst


def test_kill_9_while_writing_loses_no_record_that_was_confirmed(tmp_path: Path) -> None:
    assert killed_at_random(tmp_path / "e", times=5, seed=11) <= 1
    EvidenceLog(tmp_path / "e", KEY, time.time()).close(time.time())
    assert verify(tmp_path / "e", KEY).broken is None


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_500_kills_while_writing_lose_no_record_that_was_confirmed(tmp_path: Path) -> None:
    assert killed_at_random(tmp_path / "e", times=500, seed=12) <= 1
    EvidenceLog(tmp_path / "e", KEY, time.time()).close(time.time())
    assert verify(tmp_path / "e", KEY).broken is None


def test_an_erased_payload_leaves_the_chain_whole_and_an_altered_one_is_found(tmp_path: Path) -> None:
    log = EvidenceLog(tmp_path / "e", KEY, NOON)
    for text in ("one", "two", "three"):
        log.append("probe", {}, NOON, {"answer": text})
    assert retention.erase(log, [2], "asked for", NOON) == [2]
    log.close(NOON)
    found = verify(tmp_path / "e", KEY)
    assert (found.broken, found.erased, found.missing) == (None, 1, [])
    assert b"two" not in b"".join(path.read_bytes() for path in (tmp_path / "e").rglob("*.json*"))
    (tmp_path / "e" / "payloads" / "1.json").unlink()
    assert verify(tmp_path / "e", KEY).missing == [1]
    third = tmp_path / "e" / "payloads" / "3.json"
    third.write_text(third.read_text().replace("three", "four"))
    assert verify(tmp_path / "e", KEY).broken_seq == 3


def test_retention_removes_old_segments_and_the_rest_verifies(tmp_path: Path) -> None:
    written(tmp_path / "e", count=40, days=20)
    log = EvidenceLog(tmp_path / "e", KEY, NOON + 20 * DAY)
    assert retention.retain(log, NOON + 20 * DAY, keep_days=7) == 13
    log.close(NOON + 20 * DAY)
    found = verify(tmp_path / "e", KEY)
    assert found.broken is None
    assert found.first_seq > 1
    for path in segments(tmp_path / "e")[:2]:
        path.unlink()
    assert verify(tmp_path / "e", KEY).broken is not None


def test_segments_removed_without_a_retention_record_are_found_whatever_origin_says(tmp_path: Path) -> None:
    written(tmp_path / "e", days=3)
    first = segments(tmp_path / "e")[0]
    *_, (head, _, place) = [row for row in records(tmp_path / "e", KEY) if row[2].startswith(first.name)]
    assert place.startswith(first.name)
    first.unlink()
    (tmp_path / "e" / "origin").write_text(str(head))
    found = verify(tmp_path / "e", KEY)
    assert found.broken is not None
    assert "no retention record" in found.broken


def test_a_crash_in_the_middle_of_retention_leaves_a_log_that_verifies(tmp_path: Path) -> None:
    written(tmp_path / "e", count=40, days=20)
    before = {path: path.read_bytes() for path in segments(tmp_path / "e")}
    log = EvidenceLog(tmp_path / "e", KEY, NOON + 20 * DAY)
    retention.retain(log, NOON + 20 * DAY, keep_days=7)
    log.close(NOON + 20 * DAY)
    for path in list(before)[10:13]:
        path.write_bytes(before[path])
    assert verify(tmp_path / "e", KEY).broken is None


def test_a_frozen_log_lets_nothing_go(tmp_path: Path) -> None:
    written(tmp_path / "e", count=40, days=20)
    retention.freeze(tmp_path / "e", "incident")
    log = EvidenceLog(tmp_path / "e", KEY, NOON + 20 * DAY)
    assert retention.retain(log, NOON + 20 * DAY, keep_days=7) == 0
    with pytest.raises(retention.FrozenError):
        retention.erase(log, [2], "asked for", NOON)
    log.close(NOON + 20 * DAY)
