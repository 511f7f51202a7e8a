"""The short cut says what the parser says, or nothing."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.wire.chunk_template import ChunkTemplate

words = st.text(st.sampled_from('ab"\\ é{}:,'), max_size=6)


@settings(max_examples=200, deadline=None)
@given(name=words, first=words, later=st.lists(st.tuples(words, words), max_size=6), spaced=st.booleans())
def test_every_text_that_it_takes_is_the_text_that_a_parser_reads(name, first, later, spaced):
    def chunk(role, text):
        value = {"role": role, "delta": {"text": text}}
        return orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE if spaced else None)

    pieces = [first]
    template = ChunkTemplate()
    template.learn(chunk(name, first), pieces)
    for role, text in later:
        taken = template.take([chunk(role, text)], 0)
        if taken:
            assert (role, text) == (name, pieces[-1])


def test_a_text_that_stands_twice_teaches_nothing():
    pieces = ["a"]
    template = ChunkTemplate()
    template.learn(b'{"role":"a","text":"a"}', pieces)
    assert template.take([b'{"role":"a","text":"b"}'], 0) == 0


def test_an_escaped_text_teaches_nothing():
    pieces = ["A"]
    template = ChunkTemplate()
    template.learn(b'{"role":"A","text":"\\u0041"}', pieces)
    assert template.take([b'{"role":"B","text":"\\u0041"}'], 0) == 0


def test_texts_go_to_the_list_that_was_learnt():
    first, second = ["x"], ["y"]
    template = ChunkTemplate()
    template.learn(b'{"i":0,"t":"x"}', first)
    template.learn(b'{"i":1,"t":"y"}', second)
    assert template.take([b'{"i":1,"t":"z"}', b'{"i":0,"t":"z"}'], 0) == 1
    assert (first, second) == (["x"], ["y", "z"])


@pytest.mark.parametrize("event", [b'{"t":"', b'{"t":""}', b'"}', b'{"t":"}'])
def test_an_event_shorter_than_the_template_is_not_misread(event):
    pieces = ["x"]
    template = ChunkTemplate()
    template.learn(b'{"t":"x"}', pieces)
    template.take([event], 0)
    assert pieces in (["x"], ["x", ""])
