import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.features.tool_error import reads_as_error

FAILURES = [
    "Error: payment method not found",
    "ValueError: need a number",
    "  error - code 5".replace(" -", ":"),
    '{"error": "No such function name: search"}',
    '\'{"error": "Timeout error...", "response": ""}',
    '{"error": {"code": 404}}',
    '{"status": "error", "detail": "gone"}',
    '{"isError": true}',
    "Traceback (most recent call last):\n  File",
    "No such file or directory",
]
RESULTS = [
    "",
    "3 flights found",
    "No error, code ran successfully.",
    '{"error": "", "response": "[1, 2]"}',
    "{'error': None, 'rows': 3}",
    '{"error": null, "rows": 3}',
    '{"errors": [], "rows": 3}',
    '{"error": false}',
    "The page explains the error: a wrong key. It goes on for long.",
    '{"status": "ok"}',
]


@pytest.mark.parametrize("text", FAILURES)
def test_a_failure_is_read_from_its_words(text):
    assert reads_as_error(text)


@pytest.mark.parametrize("text", RESULTS)
def test_a_result_is_no_failure_for_speaking_of_one(text):
    assert not reads_as_error(text)


@settings(max_examples=200, deadline=None)
@given(st.text(st.sampled_from(" '\"[{aerorxception:_"), max_size=600))
def test_no_beginning_is_slow(text):
    start = time.process_time()
    reads_as_error(text)
    assert time.process_time() - start < 0.02
