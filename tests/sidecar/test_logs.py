"""Logs are JSON lines, bounded in number, and never quote what an exception quotes."""

import io
import json
import logging

import pytest

from sidecar import logs


@pytest.fixture
def lines():
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    logs.set_up("test", "info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], level = before
    root.setLevel(level)


def test_an_exception_is_logged_by_type_and_place_without_its_text(lines):
    try:
        int("the user's secret prompt")
    except ValueError:
        logging.getLogger("kilter").exception("an exchange was lost")
    (line,) = lines()
    assert line["error_type"] == "ValueError"
    assert line["at"].startswith("test_logs.py:")
    assert "secret" not in json.dumps(line)


def test_a_message_that_repeats_is_held_back_after_a_burst(lines):
    for number in range(100):
        logging.getLogger("kilter").warning("again %d", number)
    assert len(lines()) == logs.BURST
