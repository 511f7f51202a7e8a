"""Context: the time to the first token, and how long answers take."""

import pytest
from scripted import ScriptedModel, measured

from detectors.behaviours import duration, first_token_time
from detectors.records.exchange import Exchange, Message


def exchange(*, stream):
    body = {"stream": stream, "messages": [{"role": "user", "content": "Could you explain how bread rises?"}]}
    return ScriptedModel().exchange(body, "c")


def test_streamed_and_whole_answers_are_timed_apart():
    exchanges = [exchange(stream=True), exchange(stream=False)]
    assert measured(duration.behaviour, exchanges) == [("stream", 1.0), ("whole", 1.0)]


def test_only_a_stream_has_a_first_token_timed_from_when_the_request_was_sent():
    (first,) = measured(first_token_time.behaviour, [exchange(stream=True), exchange(stream=False)])
    assert first == ("stream", pytest.approx(0.19))


def test_what_broke_or_was_cut_is_not_timed():
    yes = (Message("assistant", "Slide a thin card between the bolt and its plate, and lift it."),)
    cut = Exchange("chat", "x", output_messages=yes, duration_s=1.0, stream=True, ended="client_aborted")
    failed = Exchange("chat", "x", status=500, duration_s=1.0)
    assert measured(duration.behaviour, [cut, failed]) == []
