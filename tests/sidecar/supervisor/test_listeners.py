"""Sockets are bound once, and what prevents that is said."""

import socket

import pytest

from sidecar.supervisor.listeners import BindError, bind, shown


def test_a_taken_port_is_named():
    with (
        bind("127.0.0.1:0") as first,
        pytest.raises(BindError, match=r"127.0.0.1:\d+: cannot listen: Address already in use"),
    ):
        bind(shown(first))


def test_a_name_that_does_not_resolve_is_named():
    with pytest.raises(BindError, match=r"no-such-host\.invalid:1: cannot listen"):
        bind("no-such-host.invalid:1")


def test_ipv6_and_its_brackets_are_understood():
    with bind("[::1]:0") as listener:
        assert listener.family == socket.AF_INET6
        assert shown(listener).startswith("[::1]:")


def test_a_unix_socket_left_by_a_dead_process_is_replaced_and_a_live_one_is_not(tmp_path):
    address = f"unix:{tmp_path}/s"
    bind(address).close()
    with bind(address) as live:
        assert shown(live) == address
        with pytest.raises(BindError, match="Address already in use"):
            bind(address)


def test_a_plain_file_is_never_replaced_by_a_socket(tmp_path):
    file = tmp_path / "precious"
    file.write_text("x")
    with pytest.raises(BindError):
        bind(f"unix:{file}")
    assert file.read_text() == "x"
