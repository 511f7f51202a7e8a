"""Tools on real agent runs in OpenAI's chat format. ``LABELLED_DATA`` names the folder that holds them."""

import base64
import gzip
import json
import os
from pathlib import Path

import pytest

from detectors.features.tools import tool_sequence, tool_state
from detectors.features.transitions import loops
from sidecar.replay.recording import capture_of
from sidecar.wire.base import decode

DATA = Path(os.environ.get("LABELLED_DATA", "absent")) / "tools.jsonl.gz"

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="LABELLED_DATA names no folder with tools.jsonl.gz")


def exchange(messages):
    asked = json.dumps({"model": "m", "messages": messages}).encode()
    request = {"method": "POST", "path": "/v1/chat/completions", "headers": [["content-type", "application/json"]]}
    return decode(capture_of({"request": {**request, "body_b64": base64.b64encode(asked).decode()}}))


@pytest.fixture(scope="module")
def runs():
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def test_the_sequence_of_calls_is_that_of_the_log(runs):
    assert len(runs) == 480
    for run in runs:
        seen = exchange(run["messages"])
        assert [event.name for event in seen.tool_events if event.kind == "call"] == run["tools_used"], run["id"]


def test_after_each_result_the_last_two_tools_and_failures_are_seen(runs):
    """Up to ten results a run; the logs of the airline desk write failures as ``Error: …``."""
    results = failures = 0
    for run in (run for run in runs if run["source"] == "tau-bench-airline"):
        messages = run["messages"]
        for i in [i for i, message in enumerate(messages) if message["role"] == "tool"][:10]:
            seen = exchange(messages[: i + 1])
            failed = messages[i]["content"].startswith("Error")
            assert (tool_state(seen) == "after_error") == failed, run["id"]
            assert tool_sequence(seen).split(">")[-1] == seen.tool_events[-1].name
            results += 1
            failures += failed
    assert results > 300
    assert failures > 10


def test_loops_are_rare_and_are_there(runs):
    """Two of the 480 runs call one tool in six steps in a row without a word from a human."""
    assert sum(loops(exchange(run["messages"])) for run in runs) == 2
