from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from detectors.records.verdict import Verdict
from sidecar import __version__
from sidecar.evidence import retention
from sidecar.evidence.verify import records
from sidecar.export.evidence import RETRY_S, EvidenceExporter

KEY = b"k" * 32


def kept(state: Path) -> list[tuple[str, dict[str, object]]]:
    return [(content["kind"], content["data"]) for _, content, _ in records(state / "evidence", KEY)]


def exporter(state: Path, registry: CollectorRegistry | None = None) -> EvidenceExporter:
    (state / "evidence_key").write_text(KEY.hex())
    return EvidenceExporter(state, registry or CollectorRegistry(), 1e9)


def test_an_alarm_and_any_other_change_are_records_with_their_numbers(tmp_path: Path) -> None:
    one = exporter(tmp_path)
    one.verdict(Verdict("refusal_by_length", "4-7", "m", "out_of_control", 1e9, "rose", estimate=0.31))
    one.verdict(Verdict("refusal_by_length", "4-7", "m", "recovered", 1e9 + 60, "is back"))
    one.close(1e9 + 61)
    (_, _), (alarm, told), (verdict, _), (_, _) = kept(tmp_path)
    assert (alarm, verdict) == ("alarm", "verdict")
    assert (told["stratum"], told["estimate"]) == ("4-7", 0.31)
    assert "reference" not in told


def test_a_freeze_while_the_log_is_in_use_is_a_record_within_the_hour_and_only_one(tmp_path: Path) -> None:
    one = exporter(tmp_path)
    retention.freeze(tmp_path / "evidence", "incident 7")
    one.keep(1e9 + 3600)
    one.keep(1e9 + 7200)
    one.close(1e9 + 7201)
    assert [data for kind, data in kept(tmp_path) if kind == "freeze"] == [{"reason": "incident 7"}]


def test_a_state_directory_without_a_key_is_said_by_the_gauge_and_stops_nothing(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    one = EvidenceExporter(tmp_path, registry, 1e9)
    one.verdict(Verdict("b", "s", "m", "watch", 1e9, ""))
    one.keep(1e9)
    one.close(1e9)
    assert registry.get_sample_value("kilter_evidence_consistent") == 0
    assert not (tmp_path / "evidence").exists()


def test_a_log_that_cannot_be_opened_is_tried_again_and_then_says_what_it_missed(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    (tmp_path / "evidence").write_text("in the way")
    one = exporter(tmp_path, registry)
    one.record("pause", {}, 1e9 + 1)
    assert registry.get_sample_value("kilter_evidence_lost_records") == 2
    one.catch_up(1e9 + 2 * RETRY_S)
    (tmp_path / "evidence").unlink()
    one.catch_up(1e9 + 2 * RETRY_S + 1)
    assert not (tmp_path / "evidence").exists()
    one.catch_up(1e9 + 4 * RETRY_S)
    assert registry.get_sample_value("kilter_evidence_consistent") == 1
    one.close(1e9 + 60)
    gap, start, _ = kept(tmp_path)
    assert gap == ("gap", {"lost": 2, "reason": "not_writable", "since_s": 1e9, "until_s": 1e9 + 4 * RETRY_S})
    assert (start[0], start[1]["started_s"]) == ("start", 1e9)


def test_a_start_with_another_version_is_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter(tmp_path).close(1e9)
    monkeypatch.setattr("sidecar.export.evidence.__version__", "9.9")
    exporter(tmp_path).close(1e9)
    assert [data for kind, data in kept(tmp_path) if kind == "version"] == [{"from": __version__, "to": "9.9"}]


def test_what_is_no_record_is_counted_as_lost_and_raises_nothing(tmp_path: Path) -> None:
    registry = CollectorRegistry()
    one = exporter(tmp_path, registry)
    one.record("verdict", {"rate": float("nan")}, 1e9)
    assert registry.get_sample_value("kilter_evidence_lost_records") == 1
    one.close(1e9)
    assert [kind for kind, _ in kept(tmp_path)] == ["start", "gap", "stop"]
