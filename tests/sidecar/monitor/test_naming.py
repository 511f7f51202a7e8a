"""The monitor's keys are the worker's."""

import base64
import json
import os
import random

import pytest

from sidecar.gateway.admission import body_says, conversation_key
from sidecar.gateway.counters import Counters, schema, size_bytes
from sidecar.gateway.recorder import Recorder
from sidecar.gateway.ring import Ring, RingReader, RingWriter
from sidecar.monitor.naming import Naming
from sidecar.settings import CaptureSettings, Route

KEY = b"k" * 32
PICTURE = base64.b64encode(random.Random(3).randbytes(90_000)).decode()


class Head:
    method, target, status = b"POST", b"/v1/chat/completions", 200

    def __init__(self, headers=()):
        self.headers = [(b"Content-Type", b"application/json"), *headers]
        self.noted = None


class Decided(Recorder):
    """A worker's recorder that remembers on which conversation it decided."""

    def admits(self, asker, body, probability):
        self.key, self.kind = conversation_key(
            self._keyed, body_says(body, asker.scanner), asker.identity, self.settings, os.urandom
        )
        return super().admits(asker, body, probability)


def sent(body, *, headers=(), chunk_bytes=1 << 16, early=None, **settings):
    """(the key by which a worker decides, the capture that the monitor names) for one request.

    ``early``: the answer begins after so many bytes of it.
    """
    configured = CaptureSettings(sample=1 - 1e-12, **settings)
    metrics = schema([])
    counters = Counters(metrics, memoryview(bytearray(size_bytes(metrics))).cast("d"))
    memory = bytearray(Ring.size_for(4 << 20))
    routes = [Route("/chat/completions", "openai.chat")]
    worker = Decided(configured, routes, KEY, RingWriter(memory), counters, lambda: 1.7e9, os.urandom, lambda: False)
    tap = worker.begin(Head(headers), 0.0)
    answered = False
    for at in range(0, len(body), chunk_bytes):
        if early is not None and at >= early and not answered:
            answered = True
            tap.response_head(Head(), 0.5)
        tap.request_body([body[at : at + chunk_bytes]])
    tap.request_sent(1.0)
    if not answered:
        tap.response_head(Head(), 2.0)
    tap.end("complete", 3.0)
    recognised = []
    (record,) = RingReader(memory).read()
    capture = Naming(KEY, configured, os.urandom, recognised.append).read(record)
    assert recognised == [capture.key_kind] == [worker.kind]
    return worker.key.hex(), capture


def chat(first, *more, **fields):
    messages = [{"role": "user", "content": first}, *({"role": "user", "content": text} for text in more)]
    return json.dumps({"model": "m", "messages": messages, **fields}).encode()


BODIES = {
    "short": chat("hi"),
    "user behind the messages": chat("hi", "word " * 4000, user="u"),
    "user past what is looked at": chat("hi", "word " * 40_000, user="u"),
    "picture first": chat([{"url": PICTURE}, {"type": "text", "text": "hi"}], user="u"),
    "short with a long run": chat("A" * 5000),
    "long with a long run": chat("A" * 5000, "word " * 9000),
    "long first message": chat("word " * 40_000),
}


@pytest.mark.parametrize("early", [None, 1, 30_000])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_record_gets_the_key_by_which_a_worker_decides(body, early):
    for chunk_bytes in (1000, 1 << 16):
        key, capture = sent(body, chunk_bytes=chunk_bytes, early=early)
        assert (capture.conversation_key, capture.key_kind) == (key, "first_message") or capture.key_kind == "none"
        assert early or capture.key_kind == "first_message"


def test_a_long_run_of_letters_keeps_a_conversation_together_when_it_grows():
    assert len(BODIES["short with a long run"]) < 16_000 < len(BODIES["long with a long run"])
    _, young = sent(BODIES["short with a long run"])
    _, old = sent(BODIES["long with a long run"])
    assert young.conversation_key == old.conversation_key


def test_the_user_is_the_named_header_else_the_bodys_else_the_credential():
    credential = (b"Authorization", b"Bearer x")
    named = sent(chat("hi", user="u"), headers=[(b"X-User", b"h"), credential], user_header="x-user")[1]
    in_body = sent(chat("hi", user="u"), headers=[credential])[1]
    by_credential = sent(chat("hi"), headers=[credential])[1]
    nobody = sent(chat("hi"))[1]
    assert len({named.user_key, in_body.user_key, by_credential.user_key, nobody.user_key}) == 4
    assert nobody.user_key is None
    assert sent(chat("hi"), headers=[(b"X-User", b"u")], user_header="x-user")[1].user_key == in_body.user_key
    assert len({c.conversation_key for c in (named, in_body, by_credential, nobody)}) == 4


def test_the_operators_header_names_the_conversation():
    settings = {"conversation_header": "x-c"}
    one, two = (sent(chat(text), headers=[(b"X-C", b"7")], **settings) for text in ("hi", "ho"))
    assert one[0] == one[1].conversation_key == two[1].conversation_key
    assert one[1].key_kind == "header"


def test_where_nothing_names_a_conversation_each_record_is_its_own():
    one, two = (sent(b"{}")[1] for _ in range(2))
    assert one.key_kind == two.key_kind == "none"
    assert one.conversation_key != two.conversation_key
