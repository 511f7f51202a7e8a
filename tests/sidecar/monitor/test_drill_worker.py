"""The worker of a fire drill: its records are those of a live worker, and where the way to the ring is broken it says so."""

import json

import pytest

from sidecar.gateway.capture import Capture
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.ring import RingReader, RingWriter
from sidecar.monitor import drill_worker
from sidecar.monitor.drill_worker import DrillWorker, WorkerError, only_limits
from sidecar.settings import CaptureSettings
from sidecar.wire.base import decode

KEY = b"k" * 32


def request(number):
    message = {"role": "user", "content": f"Question {number}, ünïcode"}
    return json.dumps({"model": "m", "user": f"u{number}", "messages": [message]}).encode()


def answer(body):
    said = {"role": "assistant", "content": json.loads(body)["messages"][0]["content"].upper()}
    choices = [{"index": 0, "message": said, "finish_reason": "stop"}]
    return json.dumps({"id": "a", "object": "chat.completion", "model": "m", "choices": choices}).encode()


def asked(count, settings=CaptureSettings()):  # noqa: B008 - frozen
    records = []
    with DrillWorker(settings, KEY, answer, records.append) as worker:
        worker.ask([(request(number), 1.7e9 + 60 * number) for number in range(count)])
    return records


def test_every_exchange_leaves_its_record_in_order_at_the_time_of_the_drill():
    captures = [Capture.from_bytes(record) for record in asked(100)]
    assert [one.request_body for one in captures] == [request(number) for number in range(100)]
    assert [one.response_body for one in captures] == [answer(request(number)) for number in range(100)]
    assert [one.started_at_s for one in captures] == [1.7e9 + 60 * number for number in range(100)]
    assert {(one.path, one.protocol, one.status, one.ended, one.inclusion_probability) for one in captures} == {
        ("/v1/chat/completions", "openai.chat", 200, "complete", 1.0)
    }
    assert decode(captures[7]).output_messages[0].text == "QUESTION 7, ÜNÏCODE"


def test_as_much_is_copied_as_the_configuration_lets_workers_copy_and_nothing_is_left_out():
    configured = CaptureSettings(
        sample=0.01, exclude_paths=("/v1/chat/completions",), response_head_bytes=20, response_tail_bytes=10
    )
    captures = [Capture.from_bytes(record) for record in asked(40, configured)]
    assert len(captures) == 40
    assert {len(one.response_body) for one in captures} == {30}
    assert only_limits(configured).sample == 1.0


def test_a_record_that_is_not_made_ends_the_drill(monkeypatch):
    monkeypatch.setattr(Recorder, "record", lambda *_, **__: None)
    monkeypatch.setattr(drill_worker, "_TURNS", 5)
    with pytest.raises(WorkerError, match="3 exchanges left 0 records, 0 damaged, 0 lost"):
        asked(3)


def test_a_record_that_is_damaged_in_the_ring_ends_the_drill(monkeypatch):
    whole = RingWriter.put

    def damaging(self, parts):
        done = whole(self, parts)
        if self.written == 2:
            self._data[self._head - 40] ^= 1
        return done

    monkeypatch.setattr(RingWriter, "put", damaging)
    with pytest.raises(WorkerError, match="3 exchanges left 3 records, 1 damaged, 1 lost"):
        asked(3)


def test_a_ring_that_nobody_reads_ends_the_drill(monkeypatch):
    monkeypatch.setattr(RingReader, "read", lambda *_, **__: [])
    monkeypatch.setattr(drill_worker, "RING_BYTES", 4096)
    with pytest.raises(WorkerError, match=r"32 exchanges left [0-9] records"):
        asked(40)


def test_an_answer_that_reaches_the_client_changed_or_not_at_all_ends_the_drill(monkeypatch):
    monkeypatch.setattr(drill_worker, "LIMIT_S", 0.5)
    told = []

    def moody(body):
        told.append(body)
        return b'{"is": "never the same", "times": %d}' % len(told)

    with (
        DrillWorker(CaptureSettings(), KEY, moody, told.append) as worker,
        pytest.raises(WorkerError, match="as it was sent"),
    ):
        worker.ask([(request(0), 1.7e9)])

    def silent(_):
        raise OSError

    with (
        DrillWorker(CaptureSettings(), KEY, silent, told.append) as worker,
        pytest.raises(WorkerError, match="through the relay"),
    ):
        worker.ask([(request(0), 1.7e9)])
