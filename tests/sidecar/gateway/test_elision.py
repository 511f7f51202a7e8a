from __future__ import annotations

import base64
import json
import random
import re
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.gateway.elision import KEPT_BYTES, Base64Elision

bounded = settings(max_examples=200, deadline=None)
pieces = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=40),
    st.integers(0, 400).map(lambda n: b"a few words " * n),
    st.integers(0, 2 * KEPT_BYTES + 50).map(lambda n: b"Ab1+/-_="[n % 8 :][:1] * n),
)


def by_rule(data: bytes) -> bytes:
    return re.sub(rb"([A-Za-z0-9+/=_-]{%d})[A-Za-z0-9+/=_-]+" % KEPT_BYTES, rb"\1", data)


@bounded
@given(st.lists(pieces, max_size=8))
def test_of_each_run_the_first_kibibyte_stays_wherever_the_chunks_are_cut(chunks: list[bytes]) -> None:
    elision = Base64Elision()
    assert b"".join(map(elision.feed, chunks)) == by_rule(b"".join(chunks))


def test_a_request_with_a_picture_stays_json_and_keeps_its_words() -> None:
    picture = base64.b64encode(random.Random(3).randbytes(300_000)).decode()
    parts = [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}, {"text": "what is it?"}]
    body = json.dumps({"messages": [{"role": "user", "content": parts}]}).encode()
    elision = Base64Elision()
    kept = b"".join(elision.feed(body[at : at + 10_000]) for at in range(0, len(body), 10_000))
    assert len(kept) < 2000
    assert json.loads(kept)["messages"][0]["content"][1] == {"text": "what is it?"}


def test_text_in_any_script_is_handed_back_untouched_and_uncopied() -> None:
    for text in ("word " * 5000, "".join(chr(0x4E00 + n) for n in range(5000)), "a" * 1023 + ". " + "b" * 1024):
        for body in (json.dumps(text).encode(), text.encode()):
            assert Base64Elision().feed(body) is body


def test_a_megabyte_costs_little_whatever_it_repeats() -> None:
    for unit in (b"A", b" ", b"A" * 1023 + b" ", b"A" * 1025 + b" ", b"A ", b"A" * 700 + b" "):
        body = unit * ((1 << 20) // len(unit))
        began = time.process_time()
        Base64Elision().feed(body)
        assert time.process_time() - began < 0.2
