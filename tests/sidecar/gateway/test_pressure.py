"""What a monitor at half speed does to the rate that it reads. Time is the test's own; the rest is the worker's.

A true refusal rate of 10 %; refusals are 300 bytes within a fifth of a second, other answers are kilobytes over
seconds: whatever is dropped for want of room is one of them, and the rate read would rise.

    pytest -m slow tests/sidecar/gateway/test_pressure.py -s      # 120,000 exchanges a row; two minutes
"""

import heapq
import itertools
import json
import os
import random

import pytest

from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.ring import Ring, RingReader, RingWriter
from sidecar.settings import CaptureSettings, Route

SEED = 20261125
PER_S = 200
TOLERATED_LOSSES = 0.005
"""Above this share a tick is invalid for statistics."""


class Head:
    method = b"POST"
    target = b"/v1/chat/completions"
    headers = ((b"content-type", b"application/json"),)
    status = 200
    noted = None


def pressed(count, ring_bytes, *, answer_bytes, answer_s, pieces, speed=0.5, seed=SEED):
    """(true rate, rate read, share of copies lost, exchanges read) with a monitor that reads ``speed`` of the load."""
    rng = random.Random(seed)
    metrics = schema(["openai.chat"])
    counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
    memory = bytearray(Ring.size_for(ring_bytes))
    reader, clock = RingReader(memory), [0.0]
    recorder = Recorder(
        CaptureSettings(ring_bytes=ring_bytes),
        (Route("/chat/completions", "openai.chat"),),
        b"k" * 32,
        RingWriter(memory),
        counters,
        lambda: 1.7e9 + clock[0],
        os.urandom,
        lambda: False,
    )
    order = itertools.count()
    events, at_s = [], 0.0
    for number in range(count):
        at_s += rng.expovariate(PER_S)
        heapq.heappush(events, (at_s, next(order), "begin", number))
    heapq.heappush(events, (0.5, next(order), "read", None))
    asked, read = [0, 0], [0, 0]
    last_s = at_s + 60
    while events:
        now, _, what, it = heapq.heappop(events)
        clock[0] = now
        if what == "read":
            for record in reader.read(max_records=int(PER_S * speed * 0.05)):
                read[record.endswith(b"R")] += 1
            if now < last_s:
                heapq.heappush(events, (now + 0.05, next(order), "read", None))
            continue
        if what == "begin":
            refusal = rng.random() < 0.1
            asked[refusal] += 1
            tap = recorder.begin(Head(), now)
            tap.request_body([json.dumps({"model": "m", "messages": [{"role": "user", "content": str(it)}]}).encode()])
            tap.request_sent(now)
            tap.response_head(Head(), now)
            left = 1 if refusal else pieces
            step_s = rng.uniform(0.05, 0.2) if refusal else rng.uniform(0.5, 1.5) * answer_s / pieces
            piece = b"R" * 300 if refusal else b"C" * int(rng.uniform(0.3, 1.7) * answer_bytes / pieces)
        else:
            tap, left, step_s, piece = it
            tap.response_body([piece], [now])
            left -= 1
            if left == 0:
                tap.end("complete", now)
                continue
        heapq.heappush(events, (now + step_s, next(order), "piece", (tap, left, step_s, piece)))
    for record in reader.read(10**9, 1 << 40):
        read[record.endswith(b"R")] += 1

    def outcome(name):
        return counters.value(counters.cell("kilter_captures_total", name))

    lost = outcome("dropped_ring") + outcome("dropped_budget")
    assert outcome("failed") == 0
    return asked[1] / count, read[1] / sum(read), lost / (lost + outcome("sampled")), sum(read)


def test_a_ring_that_is_promised_more_than_it_has_loses_no_copy_for_the_length_of_its_answer():
    true, read, lost, count = pressed(6000, 1 << 20, answer_bytes=4000, answer_s=2.0, pieces=4)
    assert lost <= TOLERATED_LOSSES
    assert count > 1500
    assert abs(read - true) < 0.02  # three standard errors of so few


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("ring_mib", [1, 4, 32])
@pytest.mark.parametrize(("answer_bytes", "answer_s"), [(4000, 2.0), (20_000, 5.0)])
def test_at_half_the_load_ten_percent_read_ten_percent_or_the_losses_say_that_they_cannot(
    ring_mib, answer_bytes, answer_s
):
    true, read, lost, count = pressed(120_000, ring_mib << 20, answer_bytes=answer_bytes, answer_s=answer_s, pieces=8)
    print(
        f"\nring {ring_mib} MiB, answers of {answer_bytes} bytes in {answer_s} s: true {true:.2%}, read {read:.2%} of "
        f"{count}, lost {lost:.2%}"
    )
    assert lost > TOLERATED_LOSSES or abs(read - true) < max(0.005, 3 * (0.09 / count) ** 0.5)
