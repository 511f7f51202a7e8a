from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sidecar.cli import main
from sidecar.evidence.chain import Head
from sidecar.evidence.log import EvidenceLog
from sidecar.evidence.segments import segments

KEY = b"k" * 32
NOON = 1_699_963_200.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state directory with a log of five records and its key."""
    log = EvidenceLog(tmp_path / "evidence", KEY, NOON)
    for number in range(4):
        log.append("probe", {"k": number}, NOON + number, {"answer": "some text"})
    log.close(NOON + 5)
    (tmp_path / "evidence_key").write_text(KEY.hex())
    return tmp_path


def kilter(*arguments: str | Path | int) -> Result:
    return CliRunner().invoke(main, ["evidence", *map(str, arguments)])


def head_of(state: Path) -> Head:
    said = json.loads(kilter("verify", "--state", state, "--json").stdout)
    return Head.parse(said["head"])


def test_a_whole_log_is_called_consistent_and_not_more(state: Path) -> None:
    done = kilter("verify", "--state", state)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("consistent: 5 records, 2023-11-14T12:00:00.000000Z to 2023-11-14T12:00:05")
    assert "unaltered" not in done.stdout
    assert "kept elsewhere" in done.stdout


def test_a_head_from_outside_vouches_up_to_its_record(state: Path) -> None:
    done = kilter("verify", "--state", state, "--head", str(head_of(state)))
    assert "unaltered up to record 5" in done.stdout


def test_a_broken_log_leaves_with_1_and_names_record_and_place(state: Path) -> None:
    (path,) = segments(state / "evidence")
    path.write_bytes(path.read_bytes().replace(b'"k":2', b'"k":7'))
    done = kilter("verify", "--state", state)
    assert done.exit_code == 1
    assert done.stderr == (
        "broken at record 3: 2023-11-14.jsonl:3: the seal does not fit the record and what stands before it\n"
    )
    said = kilter("verify", "--state", state, "--json")
    assert said.exit_code == 1
    assert (json.loads(said.stdout)["consistent"], json.loads(said.stdout)["broken_seq"]) == (False, 3)


def test_a_log_cut_at_its_end_leaves_with_1_given_a_head(state: Path) -> None:
    head = head_of(state)
    (path,) = segments(state / "evidence")
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert kilter("verify", "--state", state).exit_code == 0
    done = kilter("verify", "--state", state, "--head", str(head))
    assert (done.exit_code, "the end is gone" in done.stderr) == (1, True)


def test_a_wrong_key_file_or_head_leaves_with_2_and_no_log_with_3(state: Path, tmp_path: Path) -> None:
    (tmp_path / "nokey").write_text("not hex")
    for arguments in (("--key", tmp_path / "absent"), ("--key", tmp_path / "nokey"), ("--head", "12")):
        done = kilter("verify", "--state", state, *arguments)
        assert done.exit_code == 2, done.output
        assert "need" in done.stderr or "--key names" in done.stderr
    assert kilter("verify", "--state", tmp_path / "empty").exit_code == 3


def test_an_export_holds_the_log_and_verifies_elsewhere_without_payloads_unless_asked(
    state: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "evidence.tar.gz"
    assert kilter("export", "--state", state, "-o", archive).exit_code == 0
    with tarfile.open(archive) as opened:
        names = opened.getnames()
        opened.extractall(tmp_path / "copy", filter="data")
    assert "kilter-evidence/README.txt" in names
    assert not any("payloads" in name or "key" in name for name in names)
    copy = tmp_path / "copy" / "kilter-evidence"
    assert kilter("verify", copy, "--key", state / "evidence_key").exit_code == 0
    assert kilter("export", "--state", state, "-o", archive).exit_code == 2
    whole = tmp_path / "whole.tar.gz"
    kilter("export", "--state", state, "-o", whole, "--payloads")
    with tarfile.open(whole) as opened:
        contents = [file.read() for member in opened if (file := opened.extractfile(member))]
    assert b"some text" in b"".join(contents)


def test_a_freeze_is_a_record(state: Path) -> None:
    done = kilter("freeze", "--state", state, "--reason", "incident 7")
    assert done.exit_code == 0, done.output
    assert b'"data":{"reason":"incident 7"},"kind":"freeze"' in b"".join(
        path.read_bytes() for path in segments(state / "evidence")
    )
    assert kilter("verify", "--state", state).exit_code == 0


def test_an_erasure_removes_the_text_and_the_log_verifies_and_says_so(state: Path) -> None:
    done = kilter("erase", "--state", state, "--record", 2, "--record", 5, "--reason", "asked for")
    assert (done.exit_code, done.stdout) == (0, "erased the payloads of 1 of 2 records\n"), done.output
    assert not (state / "evidence" / "payloads" / "2.json").exists()
    verified = kilter("verify", "--state", state)
    assert (verified.exit_code, "1 payloads were erased" in verified.stdout) == (0, True)


def test_nothing_is_erased_from_a_log_that_is_in_use_or_frozen(state: Path) -> None:
    log = EvidenceLog(state / "evidence", KEY, NOON + 9)
    used = kilter("erase", "--state", state, "--record", 2, "--reason", "asked for")
    assert (used.exit_code, "another process writes this log" in used.stderr) == (2, True)
    log.close(NOON + 10)
    kilter("freeze", "--state", state, "--reason", "incident 7")
    frozen = kilter("erase", "--state", state, "--record", 2, "--reason", "asked for")
    assert (frozen.exit_code, "is frozen" in frozen.stderr) == (2, True)
    assert (state / "evidence" / "payloads" / "2.json").exists()
