"""The short cut says what the parser says, or nothing."""

from __future__ import annotations

import dataclasses
import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire import answer
from sidecar.wire.base import decode
from sidecar.wire.chunk_kind import Places
from sidecar.wire.chunk_template import ChunkTemplate

PLACES = Places(texts=["text"], passing=["pad", "seq", "probabilities"], counts=["usage"])
words = st.text(st.sampled_from('ab"\\ é{}[]:,\n\x00'), max_size=6)
values = st.one_of(
    words,
    st.integers(-9, 99),
    st.floats(0, 1),
    st.none(),
    st.lists(words, max_size=2),
    st.dictionaries(words, words, max_size=2),
)
chunks = st.fixed_dictionaries(
    {"index": st.sampled_from([0, 0, 0, 1]), "text": words},
    optional={"pad": values, "seq": values, "probabilities": values, "usage": st.fixed_dictionaries({"n": st.integers(0, 99)}), "end": st.just("x")},
)  # fmt: skip


class Reader:
    """What a format does with these chunks: texts by index, the last usage, the ends."""

    def __init__(self):
        self.texts, self.usage, self.ends = {0: [], 1: []}, None, 0

    def read(self, chunk):
        """The list to which a text was appended and nothing else that is news."""
        said = json.loads(chunk)
        self.usage = said.get("usage", self.usage)
        self.ends += "end" in said
        if not said["text"]:
            return None
        pieces = self.texts[said["index"]]
        pieces.append(said["text"])
        return None if "end" in said else pieces

    def all(self):
        return {index: "".join(pieces) for index, pieces in self.texts.items()}, self.usage, self.ends


@settings(max_examples=400, deadline=None)
@given(stream=st.lists(st.tuples(chunks, st.integers(1, 20)), max_size=8), spaced=st.booleans())
def test_with_the_short_cut_a_stream_is_what_it_is_without(stream, spaced):
    written = [json.dumps(each, ensure_ascii=False, separators=None if spaced else (",", ":")).encode()
               for each, times in stream for _ in range(times)]  # fmt: skip
    slow, quick = Reader(), Reader()
    for chunk in written:
        slow.read(chunk)
    template = ChunkTemplate(PLACES)
    at = template.take(written, 0)
    while at < len(written):
        pieces = quick.read(written[at])
        if pieces is not None:
            template.learn(written[at], pieces)
        at = template.take(written, at + 1)
    assert quick.all() == slow.all()


def learnt(*chunks_and_pieces):
    template = ChunkTemplate(PLACES)
    for chunk, pieces in chunks_and_pieces:
        template.learn(chunk, pieces)
    return template


def test_a_run_is_taken_whole_however_long_it_is():
    pieces = ["x"]
    template = learnt((b'{"text":"x","seq":1}', pieces))
    stream = [b'{"text":"%d","seq":%d}' % (i, i) for i in range(10_000)]
    assert template.take(stream, 0) == 10_000
    assert pieces == ["x", *map(str, range(10_000))]


def test_of_a_run_whose_last_counts_are_news_the_last_is_left():
    pieces = ["x"]
    template = learnt((b'{"text":"x","usage":{"n":1}}', pieces))
    stream = [b'{"text":"%d","usage":{"n":%d}}' % (i, i) for i in range(100)]
    assert template.take(stream, 0) == 99
    assert pieces == ["x", *map(str, range(99))]
    assert template.take(stream, 99) == 99


def test_chunks_without_a_text_are_passed_over():
    assert learnt((b'{"pad":"x"}', [])).take([b'{"pad":"a"}', b'{"pad":"\\"}"}', b'{"pad":1}'], 0) == 2


def test_kinds_that_alternate_are_taken_in_one_run():
    first, second = ["x"], ["y"]
    template = learnt((b'{"i":0,"text":"x"}', first), (b'{"i":1,"text":"y"}', second))
    stream = [b'{"i":%d,"text":"%d"}' % (i % 2, i) for i in range(6)] + [b'{"i":2,"text":"z"}']
    assert template.take(stream, 0) == 6
    assert (first, second) == (["x", "0", "2", "4"], ["y", "1", "3", "5"])


def test_texts_of_one_list_stay_in_order_whatever_kinds_they_came_in():
    pieces = ["x"]
    template = learnt((b'{"a":1,"text":"x"}', pieces), (b'{"b":1,"text":"x"}', pieces))
    stream = [b'{"%b":1,"text":"%d"}' % (b"ab"[i % 2 :][:1], i) for i in range(6)]
    at = template.take(stream, 1)
    assert pieces == ["x", *map(str, range(1, at))]
    assert at > 1


@pytest.mark.parametrize("other", [b'{"pad":"y"}', b'{"i":1,"text":"y"}'])
def test_another_kind_does_not_hide_the_last_counts(other):
    pieces = ["x"]
    counted = b'{"text":"%d","usage":{"n":%d}}'
    template = learnt((counted % (0, 0), ["0"]), (other, ["y"] if b"text" in other else []))
    template.learn(counted % (0, 0), pieces)
    assert template.take([counted % (i, i) for i in range(3)] + [other] * 3, 0) == 2
    assert template.take([other] * 3 + [counted % (i, i) for i in range(3)], 0) in (3, 5)


def test_a_text_that_stands_twice_teaches_nothing():
    assert learnt((b'{"text":"a","more":{"text":"a"}}', ["a"])).take([b'{"text":"b","more":{"text":"a"}}'], 0) == 0


def test_another_value_outside_the_places_is_another_chunk():
    template = learnt((b'{"role":"a","text":"b"}', ["b"]))
    assert template.take([b'{"role":"b","text":"b"}'], 0) == 0


@pytest.mark.parametrize(
    "chunk", [b'{"text":"', b'"}', b'{"text":"}', b'{"text":x}', b'{"text":"\n"}', b'{"text":"\\ud800"}', b""]
)
def test_what_is_no_such_chunk_is_left_to_the_parser(chunk):
    pieces = ["x"]
    assert learnt((b'{"text":"x"}', pieces)).take([chunk], 0) == 0
    assert pieces == ["x"]


def test_it_waits_where_more_of_the_kind_may_follow():
    pieces = ["x"]
    template = learnt((b'{"text":"x","usage":{"n":1}}', pieces))
    stream = [b'{"text":"%d","usage":{"n":%d}}' % (i, i) for i in range(9)]
    assert (template.take(stream, 0), template.waits) == (8, True)
    assert (template.take([stream[8], b"{}"], 0), template.waits) == (0, False)
    assert (template.take([b'{"text":"1"}'], 0), template.waits) == (0, False)
    assert pieces == ["x", *map(str, range(8))]


def test_what_has_another_form_again_is_learnt_whatever_its_form():
    pieces = ["x"]
    chunk = b'{"text":"x","probabilities":[%b]}'
    template = learnt((chunk % b'{"a":1}', pieces))
    assert template.take([chunk % b'{"a":2}', chunk % b'{"a":1},{"a":1}'], 0) == 1
    template.learn(chunk % b'{"a":1},{"a":1}', pieces)
    assert template.take([chunk % (b'{"a":1},' * n + b'{"b":[2]}') for n in range(9)], 0) == 9


def test_kinds_that_are_tried_in_vain_are_forgotten():
    template = learnt((b'{"text":"x","pad":"a"}', ["x"]))
    for _ in range(5000):
        assert template.take([b'{"text":"x"  ,"pad":"a"}'], 0) == 0
    assert template.take([b'{"text":"x","pad":"a"}'], 0) == 0


def long_stream(case):
    """The case's answer with each of its events said five times: longer runs than a case has."""
    if case.kind == "json" or case.capture.response_omitted:
        return None
    body = b"".join(itertools.chain.from_iterable(itertools.repeat(block, 5) for block in case.blocks))
    return dataclasses.replace(case.capture, response_body=body, response_head_bytes=len(body), arrivals=())


@pytest.mark.parametrize("step_bytes", [61, 1000])
def test_the_corpus_is_read_alike_in_small_steps(corpus, monkeypatch, step_bytes):
    longer = {(case.protocol, case.name): given for case in corpus if (given := long_stream(case))}
    at_once = {name: decode(given) for name, given in longer.items()}
    monkeypatch.setattr(answer, "_STEP_BYTES", step_bytes)
    assert {name: decode(given) for name, given in longer.items()} == at_once


def test_the_corpus_is_read_alike_without_the_short_cut(corpus, monkeypatch):
    longer = {(case.protocol, case.name): given for case in corpus if (given := long_stream(case))}
    with_it = {name: decode(given) for name, given in longer.items()}
    monkeypatch.setattr(ChunkTemplate, "take", lambda _self, _chunks, start: start)
    assert {name: decode(given) for name, given in longer.items()} == with_it
    assert len(longer) > 100
