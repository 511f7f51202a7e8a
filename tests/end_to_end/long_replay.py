"""A million lines through ``kilter replay``: does its memory stay flat, and how many lines a second does it read?

    python tests/end_to_end/long_replay.py [--lines 1000000]

A month of the demo's traffic (ten languages, tools, streams, up to 17 turns, 2000 users, every conversation new) as captures of the
wire, seed 7, written into a pipe as fast as they are read: nothing is kept on the disk. The first quarter is learned. Prints
resident memory as lines go by. Half an hour of two cores.
"""

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from scripted import ScriptedModel

from sidecar.demo.scenario import BEFORE
from sidecar.demo.script import Script
from sidecar.demo.traffic import conversation

SEED = 7
BEGIN_S, MONTH_S = 1_700_006_400.0, 30 * 86400.0
STEPS = 20


def records(count):
    """JSON lines by time, more or less: a conversation's steps take seconds."""
    model, number, written = ScriptedModel(Script(phases=(BEFORE,))), 0, 0
    while written < count:
        model.captures = []
        at_s = BEGIN_S + MONTH_S * written / count
        for _ in model.hold(conversation(SEED, number), f"c{number}", at_s):
            pass
        for capture in model.captures:
            yield _line(capture, f"c{number}")
        number, written = number + 1, written + len(model.captures)


def _line(capture, name):
    def side(headers, body, **more):
        return {**more, "headers": headers, "body_b64": base64.b64encode(body).decode()}

    record = {
        "started_at_s": capture.started_at_s,
        "conversation": name,
        "user": capture.user_key or "",
        "request": side(capture.request_headers, capture.request_body, method=capture.method, path=capture.path),
        "response": side(capture.response_headers, capture.response_body, status=capture.status),
    }
    return json.dumps(record).encode() + b"\n"


def main():
    """Writes, and prints a row each twentieth of the way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    count = parser.parse_args().lines
    with tempfile.TemporaryDirectory() as directory:
        pipe = Path(directory) / "traffic.jsonl"
        os.mkfifo(pipe)
        command = [sys.executable, "-m", "sidecar", "replay", str(pipe), "--learn-until", "7.5d", "--json"]
        replay = psutil.Popen(command, stdout=subprocess.PIPE, text=True)
        begun = time.monotonic()
        with pipe.open("wb") as file:
            for number, line in enumerate(records(count), start=1):
                file.write(line)
                if number % max(1, count // STEPS) == 0:
                    spent = sum(replay.cpu_times()[:2])
                    print(f"{number:>9,} lines: {replay.memory_info().rss / 2**20:5.0f} MiB, {number / spent:5.0f} lines a second of CPU", flush=True)  # fmt: skip
        said = replay.communicate()[0].splitlines()
    summary = json.loads(said[-1])["summary"]
    states = [verdict["state"] for verdict in summary["verdicts"]]
    print(
        f"{summary['exchanges']:,} exchanges in {time.monotonic() - begun:.0f} s, {summary['ticks']:,} ticks; exit {replay.returncode}"
    )
    print(f"{len(states)} strata: { ({state: states.count(state) for state in sorted(set(states))}) }")
    for alarm in summary["alarms"]:
        print(f"alarm: {alarm['verdict']['explanation']}")


if __name__ == "__main__":
    main()
