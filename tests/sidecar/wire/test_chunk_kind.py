"""A kind takes the chunks that are like the one it was learnt from, and reads their texts as JSON would."""

from __future__ import annotations

import json

import pytest

from sidecar.wire.chunk_kind import Places

PLACES = Places(texts=["content"], passing=["logprobs", "pad"], counts=["usage"])
ITEM = "msg_0123456789abcdef"


def written(text="Hi", **more):
    return json.dumps({"content": text, "item": ITEM, **more}, separators=(",", ":")).encode()


def logprobs(*numbers, token="x", beside=0):
    beside = [{"token": "y", "bytes": [1]}] * beside
    return {"content": [{"token": token, "logprob": -0.5, "bytes": list(numbers), "top": beside}]}


def kind(chunk, *, said="Hi", coarse=False):
    return PLACES.kind(chunk, said, coarse=coarse)


def test_leaves_of_what_is_passing_may_differ():
    known = kind(written(logprobs=logprobs(1, 2)))
    assert known.fits(written("other", logprobs=logprobs(9, 8, 7, token='"}]')))
    assert known.fits(written("", logprobs=logprobs()))


def test_another_form_of_what_is_passing_is_another_kind():
    assert not kind(written(logprobs=logprobs(1))).fits(written(logprobs=logprobs(1, beside=1)))


def test_learnt_coarsely_another_form_is_the_same_kind():
    known = kind(written(logprobs=logprobs(1)), coarse=True)
    assert known.fits(written("x", logprobs=logprobs(1, beside=3)))
    assert not known.fits(written("x", logprobs=logprobs(1), end=1))


def test_a_value_of_many_leaves_is_learnt_coarsely():
    assert kind(written(logprobs=logprobs(beside=40))).fits(written(logprobs=logprobs(beside=41)))


@pytest.mark.parametrize("chunk", [
    written().replace(b"msg", b"msh"),  # before the first place, or behind the last
    written(pad="a").replace(ITEM.encode(), b"msg_9999999999999999"),  # between two
    written(pad="a").replace(b'"pad"', b'"error"'),
    written(pad="a").replace(b'"a"', b'"a","error":"b"'),
    written(pad="a").replace(b'"a"', b'["a"]'),
    written(pad="a").replace(b"Hi", b"\x01"),
    written(pad="a").replace(ITEM.encode(), b"\x01"),
    written(pad="a").replace(b'"a"', b'"a"\x00"a"'),
    written(pad="a") + b"\x00" + written(pad="a"),
])  # fmt: skip
def test_a_chunk_that_differs_elsewhere_is_not_of_the_kind(chunk):
    known = kind(written(pad="a"))
    assert known.fits(written("there", pad="b"))
    assert not known.fits(chunk)


def test_a_text_that_holds_the_id_of_the_stream_is_left_to_the_parser():
    known = kind(written(pad="a"))
    assert not known.fits(written(f"It is {ITEM}.", pad="a"))


@pytest.mark.parametrize("more", [{}, {"pad": "a"}])
def test_texts_are_what_json_says_up_to_the_first_that_is_none(more):
    known = kind(written(**more))
    texts = ["a", 'quote" and \\', "é\n", "", ",\n", '","']
    chunks = [written(text, **more) for text in texts]
    broken = [chunks[0].replace(b'"a"', rb'"\ud800"'), chunks[0].replace(b'"a"', b'"\xff"'), chunks[0]]
    assert known.read(known.middles(chunks)) == (len(texts), texts)
    for each in broken[:2]:
        assert known.read(known.middles([*chunks, each, chunks[0]])) == (len(texts), texts)


@pytest.mark.parametrize("text", [b"1", b"null", b'["a"]', b'"a","b"', b'"a"b"', b""])
def test_where_a_text_stood_nothing_else_is_a_text(text):
    known = kind(written())
    assert known.read(known.middles([written(), written().replace(b'"Hi"', text)])) == (1, ["Hi"])


def test_streams_that_differ_in_their_ids_have_one_expression():
    other = written(pad="a").replace(ITEM.encode(), b"msg_9999999999999999")
    assert kind(written(pad="a"))._expression is kind(other)._expression


def test_without_a_place_or_with_a_text_that_stands_twice_there_is_no_kind():
    assert kind(b'{"other":"Hi"}') is None
    assert kind(b'{"content":"Hi","more":{"content":"Hi"}}') is None
    assert kind(b'{"content":"Hi"}', said="other") is None
