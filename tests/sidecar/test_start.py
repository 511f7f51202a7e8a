"""Secrets of an installation are made once and kept."""

import stat

import pytest

from sidecar import start
from sidecar.config_source import ConfigError


def test_a_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    state = tmp_path / "state"
    first = start.secret(state, "install_key")
    assert start.secret(state, "install_key") == first
    assert len(bytes.fromhex(first)) == 32
    assert stat.S_IMODE((state / "install_key").stat().st_mode) == 0o600
    assert [file.name for file in state.iterdir()] == ["install_key"]


def test_a_state_that_is_a_file_is_named(tmp_path):
    (tmp_path / "state").write_text("")
    with pytest.raises(ConfigError, match=r"state: .*cannot be used"):
        start.secret(tmp_path / "state", "install_key")


def test_a_damaged_secret_is_refused_not_replaced(tmp_path):
    (tmp_path / "install_key").write_text("zz")
    with pytest.raises(ConfigError, match="need 32 bytes as hex"):
        start.secret(tmp_path, "install_key")
    assert (tmp_path / "install_key").read_text() == "zz"
