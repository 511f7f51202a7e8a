"""``kilter status``: what is known, once or again and again, on a terminal or in a pipe."""

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import alarmed
from rich.console import Console
from running import RunningKilter
from situations import hostile, in_alarm

from sidecar.commands.status import show

COMMAND = (sys.executable, "-m", "sidecar", "status", "--watch", "--every", "0.2")


def printed(status):
    text = io.StringIO()
    show(status.to_dict(), Console(width=200, file=text))
    return text.getvalue()


def as_in_front():
    """A shell's job in the background, as these tests may be run, ignores Ctrl-C, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_what_is_acknowledged_is_said_and_quiet_strata_are_only_counted():
    text = printed(in_alarm())
    assert re.search(r"out of control, acknowledged.*hollow refusal, 1: 22 %", text)
    assert re.search(r"out of control +│ refusal by language, tr: 31 %", text)
    assert "11 in control" in text


def test_names_from_traffic_are_no_markup():
    assert "<script>document.title" in printed(hostile())


def test_watching_goes_on_over_a_monitor_that_dies_and_ends_with_ctrl_c_and_0(tmp_path):
    alarmed.make(tmp_path / "state")
    with RunningKilter("http://127.0.0.1:1", tmp_path) as kilter:
        argv = [*COMMAND, "--json", "--admin", kilter.admin.removeprefix("http://")]
        env = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(argv, stdout=subprocess.PIPE, env=env, preexec_fn=as_in_front) as watching:  # noqa: PLW1509
            try:
                first, second = (json.loads(watching.stdout.readline()) for _ in range(2))
                kilter.process.kill()
                after = [json.loads(watching.stdout.readline()) for _ in range(4)][-1]
            finally:
                watching.send_signal(signal.SIGINT)
            watching.stdout.read()
            assert watching.wait(10) == 0
    assert second["at_s"] > first["at_s"]
    assert [one["state"] for one in first["verdicts"] if one["baseline_id"]] == ["out_of_control"]
    assert "nothing answers" in after["error"]


def test_on_a_terminal_the_picture_is_drawn_anew_in_place_with_what_asks_for_attention_at_the_top(tmp_path):
    alarmed.make(tmp_path / "state")
    with RunningKilter("http://127.0.0.1:1", tmp_path) as kilter:
        ours, theirs = pty.openpty()
        argv = [*COMMAND, "--admin", kilter.admin.removeprefix("http://")]
        env = {**os.environ, "TERM": "xterm", "COLUMNS": "120", "LINES": "40"}
        with subprocess.Popen(
            argv,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=env,
            preexec_fn=as_in_front,  # noqa: PLW1509
        ) as watching:
            os.close(theirs)
            seen, deadline = b"", time.monotonic() + 15
            while seen.count(b"Ctrl-C ends") < 2 and time.monotonic() < deadline:
                seen += os.read(ours, 65536)
            watching.send_signal(signal.SIGINT)
            while time.monotonic() < deadline:
                try:
                    if not (more := os.read(ours, 65536)):
                        break
                    seen += more
                except OSError:  # the other end is closed
                    break
            code = watching.wait(10)
        os.close(ours)
    assert code == 0
    assert seen.count(b"Ctrl-C ends") >= 2
    assert b"\x1b[?1049h" in seen  # a screen of its own ...
    assert b"\x1b[?1049l" in seen  # ... which is left again
    assert b"out of control" in seen
