"""A whole Kilter under load whose monitor manages half of it: the refusal rate that it reads stays true.

pytest -m slow tests/transparency/test_slow_monitor.py -s      # seed 20261125; four minutes
"""

import asyncio
import json
import random
import time

import pytest
from relaying import Scripted, Wire
from troubled import Troubled

SEED = 20261125
PER_S = 120
LASTS_S = 210
SSE_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
REFUSAL = "I'm sorry, but I can't help with that request."
ANSWER = "The sea covers most of the planet, and its currents carry warmth from the equator towards the poles. " * 8


def event(text, **more):
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": None, **more}
    data = json.dumps({"id": "x", "object": "chat.completion.chunk", "model": "m", "choices": [choice]})
    line = f"data: {data}\n\n".encode()
    return b"%x\r\n%b\r\n" % (len(line), line)


class Model:
    """One in ten answers is a short refusal; the others take two seconds and some kilobytes."""

    def __init__(self):
        self._rng = random.Random(SEED)
        self.answers = self.refusals = 0

    async def __call__(self, wire):
        while head := await wire.head(60):
            await wire.body(head)
            refuses = self._rng.random() < 0.1
            self.answers += 1
            self.refusals += refuses
            await wire.write(SSE_HEAD)
            for _ in range(1 if refuses else 4):
                await wire.write(event(REFUSAL if refuses else ANSWER))
                await asyncio.sleep(0.05 if refuses else 0.5)
            await wire.write(event("", finish_reason="stop") + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


async def ask(port, number):
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": f"Question {number}: the sea?"}]}
    data = json.dumps(body).encode()
    wire = await Wire.connect(port)
    Wire.connected.remove(wire)
    try:
        await wire.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: m\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(data), data)
        )
        return (await wire.rest(60))[0].endswith(b"0\r\n\r\n")
    finally:
        wire.close()


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_ten_percent_of_refusals_read_ten_percent_while_the_monitor_manages_half_the_load(tmp_path):
    rng = random.Random(SEED + 1)
    model = Model()
    troubled = Troubled(tmp_path, KILTER_TICKS__LENGTH_S="10", KILTER_CAPTURE__RING_BYTES=str(1 << 20))
    async with Scripted(model, port=troubled.upstream_port):
        with troubled.kilter as kilter:
            troubled.mode(f"sleep {1 / (0.5 * PER_S)}")
            loop = asyncio.get_running_loop()
            asking, at_s, started = [], loop.time(), time.monotonic()
            while time.monotonic() - started < LASTS_S:
                at_s += rng.expovariate(PER_S)
                await asyncio.sleep(max(0.0, at_s - loop.time()))
                asking.append(loop.create_task(ask(troubled.port, len(asking))))
            whole = await asyncio.gather(*asking)
            troubled.mode("none")
            metrics = await troubled.until(
                lambda seen: seen.total("kilter_ring_bytes") == 0 and seen.total("kilter_monitor_up") == 1, 60
            )
            await asyncio.sleep(2)
            metrics = kilter.metrics()
    labels = metrics.by("kilter_responses_total", "label")
    captures = metrics.by("kilter_captures_total", "outcome")
    read = sum(labels.values())
    true, found = model.refusals / model.answers, labels["refusal"] / read
    lost = captures.get("dropped_ring", 0) + captures.get("dropped_budget", 0)
    lost /= lost + captures["sampled"]
    print(
        f"\n{model.answers} answers, {true:.2%} refused; {read:.0f} read, {found:.2%} refused; lost {lost:.2%}; {captures}"
    )
    assert all(whole)
    assert 0.2 < read / model.answers < 0.7  # it was at its limit
    assert read > 4000
    assert lost <= 0.005
    assert abs(found - true) < 0.005 + 2 * (0.09 / read) ** 0.5
