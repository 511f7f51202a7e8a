"""The systemd units: judged by systemd's own tools, and Kilter run by what they say.

No unit is started here, which takes systemd as process 1. What a unit does to a process is applied to one instead:
the sockets by ``systemd-socket-activate``, the hardening by ``tests/support/confined.py``.
"""

import asyncio
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from confined import allowed, kernel_can, lines
from load import ask, chat
from monitoring import free_port
from real import program
from running import RunningKilter

from sidecar import config
from sidecar.demo.upstream import ScriptedUpstream

UNITS = Path(__file__).parents[2] / "deploy/systemd"
SERVICE = UNITS / "kilter.service"
CONFINED = Path(__file__).parents[1] / "support/confined.py"
MOST_EXPOSED = 1.6
"""``systemd-analyze security``: 0 is shut off from everything, 10 from nothing."""


def unit(name):
    return dict(lines(UNITS / name))


@pytest.fixture
def units(tmp_path):
    """A copy of the units whose program is one that exists."""
    for path in UNITS.glob("kilter*.s*"):
        text = path.read_text("utf-8").replace("/opt/kilter/bin/kilter", str(Path(sys.executable).with_name("kilter")))
        (tmp_path / path.name).write_text(text, "utf-8")
    return tmp_path


def analyze(*arguments):
    done = subprocess.run(
        [program("systemd-analyze"), *map(str, arguments)], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_systemd_finds_no_fault_in_the_units(units):
    code, said = analyze("verify", "--man=no", *sorted(units.glob("kilter*")))
    assert (code, said) == (0, "")


def test_the_service_is_shut_off_as_far_as_the_page_says(units):
    code, said = analyze("security", "--offline=true", "--no-pager", units / "kilter.service")
    exposure = re.search(r"Overall exposure level for kilter.service: ([\d.]+)", said)
    assert code == 0, said
    assert float(exposure[1]) <= MOST_EXPOSED
    page = (UNITS / "README.md").read_text("utf-8")
    if f"({analyze('--version')[1].split()[1]})" in page:  # other versions weigh in other ways
        assert f"exposure level for kilter.service: {exposure[1]}" in page


def test_the_example_configuration_holds_and_leaves_streams_time_to_finish():
    loaded = config.load(UNITS / "kilter.yaml", environ={})
    assert loaded.drain_s + 10 <= float(unit("kilter.service")["TimeoutStopSec"])
    assert {loaded.listen, loaded.admin} == {
        unit("kilter.socket")["ListenStream"],
        unit("kilter-admin.socket")["ListenStream"],
    }


def test_descriptors_suffice_for_the_requests_that_one_worker_takes():
    loaded = config.load(UNITS / "kilter.yaml", environ={})
    assert 2 * loaded.limits.inflight + loaded.limits.connections < int(unit("kilter.service")["LimitNOFILE"])


def test_a_mistake_in_the_configuration_is_not_tried_again(tmp_path):
    wrong = tmp_path / "kilter.yaml"
    wrong.write_text("upstraem: http://127.0.0.1:8000\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "sidecar", "run", "--config", wrong], capture_output=True, text=True, check=False
    )
    assert str(done.returncode) == unit("kilter.service")["RestartPreventExitStatus"]


needs_a_kernel = pytest.mark.skipif(not kernel_can(), reason="needs Linux 6.3 to do to a process what the unit does")


@needs_a_kernel
def test_what_confines_the_tests_confines():
    program("systemd-analyze")
    names = allowed(SERVICE)
    assert {"memfd_create", "eventfd2", "epoll_wait", "execve", "setpriority"} <= names
    assert not {"ptrace", "mount", "bpf", "chroot", "setuid", "reboot"} & names
    attempts = """
import ctypes, mmap, socket
def refused(attempt):
    try:
        return attempt() == -1
    except OSError:
        return True
print(refused(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)),
      refused(lambda: socket.socket(socket.AF_NETLINK)), refused(lambda: ctypes.CDLL(None).mount(b"none", b"/mnt", b"tmpfs", 0, None)),
      refused(lambda: socket.socket(socket.AF_INET)))
"""
    done = subprocess.run(
        [sys.executable, CONFINED, SERVICE, sys.executable, "-c", attempts], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True True True False\n", done.stderr


@needs_a_kernel
async def test_kilter_serves_and_watches_under_the_units_hardening(tmp_path):
    program("systemd-analyze")
    async with ScriptedUpstream() as upstream:
        kilter = RunningKilter(upstream.url, tmp_path)
        kilter.argv = [sys.executable, str(CONFINED), str(SERVICE), *kilter.argv]
        with kilter:
            for stream in (False, True):
                answer = await ask(kilter.url, *chat("How do I clean a bicycle chain?", stream=stream))
                assert (answer.status, answer.error) == (200, "")
            seen = await asyncio.to_thread(kilter.until, lambda seen: seen.total("kilter_responses_total") == 2, 60)
            assert seen.total("kilter_responses_total") == 2
            assert seen.total("kilter_process_resident_memory_bytes", process="monitor") > 0
            kilter.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(kilter.process.wait, 20) == 0, kilter.log()
    assert (tmp_path / "state/kilter.db").exists()
    assert [line for line in kilter.lines() if line["level"] in ("warning", "error")] == []


async def test_systemds_sockets_start_kilter_at_the_first_connection(tmp_path):
    ports = {"traffic": free_port(), "admin": free_port()}
    names = [unit(name)["FileDescriptorName"] for name in ("kilter.socket", "kilter-admin.socket")]
    listen = [flag for name in names for flag in ("-l", f"127.0.0.1:{ports[name]}")]
    async with ScriptedUpstream() as upstream:
        kilter = RunningKilter(upstream.url, tmp_path)
        environment = [f"-E{name}={value}" for name, value in kilter.env.items() if name.startswith("KILTER_")]
        path = shutil.which("systemd-socket-activate") or program("systemd-socket-activate")
        kilter.argv = [path, *listen, f"--fdname={':'.join(names)}", "-EPATH", *environment, *kilter.argv]
        asking = asyncio.ensure_future(first(ports["traffic"]))
        await asyncio.to_thread(kilter.__enter__)
        try:
            assert (kilter.url, kilter.admin) == tuple(f"http://127.0.0.1:{ports[name]}" for name in names)
            answer = await asking
            assert (answer.status, answer.error) == (200, "")
        finally:
            kilter.__exit__()


async def first(port):
    """Asks as soon as something listens."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        await asyncio.sleep(0.05)
    return await ask(f"http://127.0.0.1:{port}", *chat("Is anybody there?"))
