"""Sockets and words of a service manager: taken over at the start, told at the right moments."""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import threading

import pytest
from activating import ActivatedKilter, listening
from load import ask, chat
from relaying import Wire, lowered, post
from running import RunningKilter

from sidecar.demo.upstream import ScriptedUpstream
from sidecar.supervisor.listeners import BindError, passed_on, shown

BODY = b'{"model":"m","messages":[{"role":"user","content":"How long do I boil an egg?"}]}'


def handed(count, names="", pid=7):
    return {"LISTEN_PID": str(pid), "LISTEN_FDS": str(count), "LISTEN_FDNAMES": names}


@pytest.fixture
def descriptors():
    """``descriptors(socket, …)``: their copies at consecutive numbers, as a service manager leaves them; the first."""
    opened = []

    def place(*sockets):
        first = 200 + len(opened)
        for number, one in enumerate(sockets, first):
            opened.append(os.dup2(one.fileno(), number))
        return first

    yield place
    for number in opened:
        with contextlib.suppress(OSError):  # taken over and closed by its new owner
            os.close(number)


def test_what_was_handed_to_another_process_is_left_alone():
    assert passed_on({}, 7) == {}
    assert passed_on(handed(2, pid=8), 7) == {}


@pytest.mark.parametrize(
    ("names", "order"),
    [("", ["traffic", "admin"]), ("traffic:admin", ["traffic", "admin"]), ("admin:traffic", ["admin", "traffic"])],
)
def test_sockets_are_known_by_name_and_without_names_by_their_order(names, order, descriptors):
    with listening() as first, listening() as second:
        taken = passed_on(handed(2, names), 7, descriptors(first, second))
        assert [shown(taken[name]) for name in order] == [shown(first), shown(second)]
        for listener in taken.values():
            assert not listener.get_inheritable()
            assert not listener.getblocking()
            listener.close()


def test_one_socket_alone_is_the_traffics_or_the_one_it_is_named(descriptors):
    for names, name in (("", "traffic"), ("traffic", "traffic"), ("admin", "admin")):
        with listening() as one:
            (only,) = passed_on(handed(1, names), 7, descriptors(one)).items()
            assert (only[0], shown(only[1])) == (name, shown(one))
            only[1].close()


@pytest.mark.parametrize(
    ("count", "names", "told"),
    [
        ("3", "", "need 1 or 2 sockets"),
        ("0", "", "need 1 or 2 sockets"),
        ("two", "", "need 1 or 2 sockets"),
        ("1", "kilter.socket", "need FileDescriptorName=traffic"),
        ("2", "traffic", "need FileDescriptorName=traffic"),
        ("2", "traffic:traffic", "need FileDescriptorName=traffic"),
    ],
)
def test_a_wrong_number_or_name_is_told(count, names, told):
    with pytest.raises(BindError, match=told):
        passed_on(handed(count, names), 7)


def test_what_is_no_listening_stream_socket_is_named_and_left_open(descriptors, tmp_path):
    with socket.socket() as silent, socket.socket(type=socket.SOCK_DGRAM) as datagram, (tmp_path / "f").open("w") as f:
        for wrong in (silent, datagram, f):
            first = descriptors(wrong)
            with pytest.raises(BindError, match=f"traffic: descriptor {first} is no listening stream socket"):
                passed_on(handed(1), 7, first)
            os.fstat(first)


class Asking:
    """Clients that ask again and again; those that keep their connection pause between two requests."""

    def __init__(self, address):
        self.address = address
        self.served, self.lost, self.going = 0, [], True

    async def client(self, pause_s):
        wire = None
        while self.going:
            try:
                wire = wire or await Wire.connect(self.address)
                await wire.write(post(BODY, *([] if pause_s else ["Connection: close"])))
                head = await wire.head(30)
                await wire.body(head)
                self.served += head.startswith(b"HTTP/1.1 200 ")
                if not head.startswith(b"HTTP/1.1 200 "):
                    self.lost.append(head[:60])
                if (b"connection", b"close") in lowered(head):
                    wire.close()
                    wire = None
            except (OSError, EOFError, TimeoutError) as error:
                self.lost.append(type(error).__name__)
                wire = None
            await asyncio.sleep(pause_s)
        if wire is not None:
            wire.close()


async def test_a_restart_behind_a_managers_socket_loses_no_request_of_anybody(tmp_path):
    with listening() as traffic, listening() as admin:
        sockets = {"traffic": traffic, "admin": admin}
        async with ScriptedUpstream() as upstream:
            with ActivatedKilter(sockets, upstream.url, tmp_path / "first") as before:
                assert (before.url, before.admin) == (f"http://{shown(traffic)}", f"http://{shown(admin)}")
                asking = Asking(traffic.getsockname())
                clients = [
                    asyncio.ensure_future(asking.client(pause_s)) for pause_s in [0, 0, 0.001, 0.01, 0.1, 1.0] * 4
                ]
                await asyncio.sleep(0.5)
                before.process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(before.process.wait, 20) == 0, before.log()
            waiting = [asyncio.ensure_future(ask(before.url, *chat("Is anybody there?"))) for _ in range(20)]
            await asyncio.sleep(0.1)
            with ActivatedKilter(sockets, upstream.url, tmp_path / "second") as after:
                assert {(answer.status, answer.error) for answer in await asyncio.gather(*waiting)} == {(200, "")}
                asking.going = False
                await asyncio.gather(*clients)
                assert after.url == before.url
    assert asking.lost == []
    assert asking.served > 50


def test_a_unix_socket_of_the_manager_is_left_where_it_is(tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as traffic:
        traffic.bind(str(path))
        traffic.listen()
        traffic.set_inheritable(True)
        with ActivatedKilter({"traffic": traffic}, "http://127.0.0.1:9", tmp_path) as kilter:
            assert kilter.line("kilter is up")["listen"] == f"unix:{path}"
            kilter.process.send_signal(signal.SIGTERM)
            assert kilter.process.wait(20) == 0
        assert path.is_socket()


def test_the_manager_is_told_ready_alive_and_stopping_in_this_order(tmp_path):
    told = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)

        def hear():
            while (message := manager.recv(4096).decode()) != "end":
                told.append(message)

        hearing = threading.Thread(target=hear)
        hearing.start()
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"}
        with RunningKilter("http://127.0.0.1:9", tmp_path, env=env) as kilter:
            assert kilter.get("/readyz")[0] == 200
            kilter.process.send_signal(signal.SIGTERM)
            assert kilter.process.wait(20) == 0
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"end", str(tmp_path / "notify"))
        hearing.join()
    assert [word for word, _ in itertools.groupby(told) if word != "WATCHDOG=1"] == ["READY=1", "STOPPING=1"]
    assert told[0] == "READY=1"
    assert told.count("WATCHDOG=1") >= 2
